//! From what a page shows to HTML. Everything is escaped by the templates: what is written as it is comes from a template of ours.

use askama::Template;
use trinco_core::resources;

use super::page::{Body, Contents, Operation, Path, Shared};
use super::prose::{Piece, Prose};
use super::schema::{Member, Shape};
use crate::pages::assets;

/// What all pages have around their content.
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    /// The path of the reference.
    pub(super) root: &'a str,
    /// The URL of the OpenAPI document.
    pub(super) document: &'a str,
    pub(super) contents: &'a [Contents],
    /// The slug of the area that is shown.
    pub(super) current: &'a str,
}

impl Frame<'_> {
    fn stylesheet(&self) -> &'static str {
        &assets::reference_stylesheet().path
    }

    fn favicon(&self) -> &'static str {
        &assets::favicon().path
    }
}

/// What the API is, and all operations in a line each.
#[derive(Template)]
#[template(path = "reference.html")]
pub(super) struct Overview<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) server: &'a str,
    pub(super) version: &'a str,
    pub(super) token_call: &'a str,
    pub(super) first_call: &'a str,
    pub(super) scopes: &'a [(String, String)],
    /// Whether the tenant's users run the other tenants, so that changes of any kind need everything.
    pub(super) runs_others: bool,
    pub(super) error: Shape,
}

impl Overview<'_> {
    fn all(&self) -> &'static str {
        resources::management::ALL
    }
}

/// The operations of an area.
#[derive(Template)]
#[template(path = "reference_area.html")]
pub(super) struct Area<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) contents: &'a Contents,
    pub(super) operations: &'a [Operation],
    pub(super) shared: &'a [Shared],
}

#[derive(Template)]
#[template(path = "reference_shape.html")]
struct Inside<'a> {
    shape: &'a Shape,
    name: &'a str,
    /// Whether its members are shown at once.
    open: bool,
}

#[derive(Template)]
#[template(path = "reference_kind.html")]
struct Kind<'a> {
    shape: &'a Shape,
}

#[derive(Template)]
#[template(path = "reference_path.html")]
struct PathParts<'a> {
    path: &'a Path,
}

#[derive(Template)]
#[template(path = "reference_name.html")]
struct Name<'a> {
    parts: Vec<&'a str>,
}

#[derive(Template)]
#[template(path = "reference_prose.html")]
struct Words<'a> {
    pieces: &'a [Piece],
}

impl Prose {
    fn html(&self) -> String {
        finished(&Words { pieces: &self.0 })
    }
}

impl Path {
    fn html(&self) -> String {
        finished(&PathParts { path: self })
    }
}

impl Shape {
    /// What kind of value it is, with what bounds it.
    fn kind_html(&self) -> String {
        finished(&Kind { shape: self })
    }

    /// Values, members and variants; `name` says of what.
    fn folded_html(&self, name: &str) -> String {
        finished(&Inside { shape: self, name, open: false })
    }

    /// The same, with the members at once.
    fn open_html(&self) -> String {
        finished(&Inside { shape: self, name: "", open: true })
    }

    /// Values are told in a line when none of them needs words.
    fn has_plain_values(&self) -> bool {
        self.values.iter().all(|(_, meaning)| meaning.is_empty())
    }
}

impl Member {
    /// Long names may break before a capital.
    fn name_html(&self) -> String {
        let name = self.name.as_str();
        let mut parts = Vec::new();
        let mut begin = 0;
        for (at, _) in
            name.char_indices().filter(|(at, letter)| *at > 0 && letter.is_ascii_uppercase())
        {
            parts.push(&name[begin..at]);
            begin = at;
        }
        parts.push(&name[begin..]);
        finished(&Name { parts })
    }

    fn about_html(&self) -> String {
        self.about.html()
    }
}

impl Body {
    fn about_html(&self) -> String {
        self.about.html()
    }
}

/// The HTML of a template.
pub(super) fn finished(page: &impl Template) -> String {
    page.render().expect("writing into a string does not fail")
}
