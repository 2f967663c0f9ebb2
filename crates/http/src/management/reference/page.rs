//! What the pages show: the operations of the document, area by area.

use std::collections::BTreeMap;

use http::Method;
use serde_json::Value;

use super::example::{self, Call};
use super::prose::Prose;
use super::schema::{Presence, Schemas, Shape, Way, about};
use crate::management::permission::Needs;

/// The order in which the methods of a path are told.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// An area with its operations, in a line each.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    pub(super) name: String,
    /// The name in addresses.
    pub(super) slug: String,
    pub(super) lines: Vec<Line>,
}

/// An operation in a line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) method: String,
    pub(super) path: Path,
    pub(super) summary: String,
}

/// A path, cut where a line may break; whether each part is a parameter.
#[derive(Clone, Debug)]
pub(super) struct Path(pub(super) Vec<(String, bool)>);

/// Everything about an operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) line: Line,
    pub(super) needs: Option<Needs>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    pub(super) answers: Vec<Answer>,
    pub(super) example: String,
}

/// A parameter of the path, the query or the headers.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    /// `path`, `query` or `header`.
    pub(super) place: String,
    pub(super) presence: Presence,
    pub(super) about: Prose,
    pub(super) shape: Shape,
}

/// A body of a request or an answer.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) media_type: String,
    pub(super) presence: Presence,
    pub(super) about: Prose,
    pub(super) shape: Shape,
}

/// A successful answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) meaning: Prose,
    pub(super) body: Option<Body>,
    pub(super) headers: Vec<(String, Prose)>,
}

/// An object that a page explains once.
pub(super) type Shared = (String, Prose, Shape);

/// What a token needs for a method of a path.
pub(super) type NeedsOf<'a> = &'a dyn Fn(&Method, &str) -> Needs;

/// The name of an area in addresses.
pub(super) fn slug_of(area: &str) -> String {
    let word = |word: &str| word.to_ascii_lowercase();
    let words = area.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.filter(|part| !part.is_empty()).map(word).collect::<Vec<_>>().join("-")
}

/// The areas of the document with their operations.
pub(super) fn contents(document: &Value) -> Vec<Contents> {
    let mut areas: BTreeMap<&str, Vec<Line>> = BTreeMap::new();
    for (path, method, operation) in operations(document) {
        areas.entry(area_of(operation)).or_default().push(line(path, method, operation));
    }
    let contents = |(name, lines): (&str, Vec<Line>)| Contents {
        name: name.to_owned(),
        slug: slug_of(name),
        lines,
    };
    areas.into_iter().map(contents).collect()
}

/// The operations of an area, and the objects they have in common.
pub(super) fn area(
    document: &Value,
    slug: &str,
    needs: NeedsOf<'_>,
) -> (Vec<Operation>, Vec<Shared>) {
    let of_area: Vec<_> = operations(document)
        .filter(|(_, _, operation)| slug_of(area_of(operation)) == slug)
        .collect();
    let used = of_area.iter().flat_map(|(_, _, operation)| schemas_of(operation));
    let schemas = Schemas::of(document, used);
    let server = document["servers"][0]["url"].as_str().unwrap_or_default();
    let operations = of_area
        .iter()
        .map(|(path, method, operation)| {
            describe(&schemas, server, needs, (path, method, operation))
        })
        .collect();
    (operations, schemas.shared())
}

/// What every refusal holds.
pub(super) fn error(document: &Value) -> Shape {
    Schemas::of(document, std::iter::empty()).named("Error")
}

/// Each operation with its path and method, in the order of paths.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &'static str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        let of_path = |method| Some((path.as_str(), method, methods.get(method)?));
        METHODS.into_iter().filter_map(of_path)
    })
}

fn area_of(operation: &Value) -> &str {
    operation["tags"][0].as_str().unwrap_or_default()
}

/// The schemas that a page of the operation tells of.
fn schemas_of(operation: &Value) -> impl Iterator<Item = (Way, &Value)> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.map(|parameter| (Way::In, &parameter["schema"]));
    let asked = content(&operation["requestBody"]).map(|(_, schema)| (Way::In, schema));
    let answered =
        successes(operation).filter_map(|(_, answer)| Some((Way::Out, content(answer)?.1)));
    parameters.chain(asked).chain(answered)
}

fn successes(operation: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let answers = operation["responses"].as_object().into_iter().flatten();
    answers.filter(|(status, _)| *status != "default")
}

/// The media type and the schema of a body.
fn content(body: &Value) -> Option<(&str, &Value)> {
    let (media_type, content) = body["content"].as_object()?.iter().next()?;
    Some((media_type, &content["schema"]))
}

fn line(path: &str, method: &str, operation: &Value) -> Line {
    let text = |name: &str| operation[name].as_str().unwrap_or_default().to_owned();
    Line {
        id: text("operationId"),
        method: method.to_ascii_uppercase(),
        path: Path::of(path),
        summary: text("summary"),
    }
}

fn describe<'d>(
    schemas: &Schemas<'d>,
    server: &str,
    needs: NeedsOf<'_>,
    (path, method, operation): (&str, &str, &'d Value),
) -> Operation {
    let line = line(path, method, operation);
    let needs_token = operation["security"].as_array().is_none_or(|ways| !ways.is_empty());
    let method = Method::from_bytes(line.method.as_bytes()).unwrap_or_default();
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters: Vec<Parameter> = parameters.map(|one| parameter(schemas, one)).collect();
    let body = body(schemas, &operation["requestBody"], Way::In);
    let example = {
        let required = parameters
            .iter()
            .filter(|one| one.place == "query" && one.presence == Presence::Required);
        let query: Vec<&str> = required.map(|one| one.name.as_str()).collect();
        let sent = content(&operation["requestBody"])
            .map(|(media_type, schema)| (media_type, example::body(schemas, schema)));
        let method = line.method.as_str();
        example::curl(&Call { server, method, path, query: &query, needs_token, body: sent })
    };
    let answers = successes(operation).map(|(status, answer)| Answer {
        status: status.clone(),
        meaning: about(answer),
        body: self::body(schemas, answer, Way::Out),
        headers: answer["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, header)| (name.clone(), about(header)))
            .collect(),
    });
    Operation {
        needs: needs_token.then(|| needs(&method, path)),
        answers: answers.collect(),
        line,
        parameters,
        body,
        example,
    }
}

fn parameter<'d>(schemas: &Schemas<'d>, parameter: &'d Value) -> Parameter {
    let text = |name: &str| parameter[name].as_str().unwrap_or_default().to_owned();
    let own = about(parameter);
    let schema = &parameter["schema"];
    let mut shape = schemas.shape(schema, Way::In);
    // What is not in a query is absent: it has no null.
    shape.nullable = false;
    Parameter {
        name: text("name"),
        place: text("in"),
        presence: Presence::of(parameter["required"] == true, Way::In),
        about: if own.is_empty() { schemas.about_member(schema) } else { own },
        shape,
    }
}

fn body<'d>(schemas: &Schemas<'d>, body: &'d Value, way: Way) -> Option<Body> {
    let (media_type, schema) = content(body)?;
    let shape = schemas.shape(schema, way);
    let about = match &shape.object {
        // It is explained where it stands.
        Some(_) => Prose::default(),
        None => schemas.about_member(schema),
    };
    let presence = match way {
        Way::In => Presence::of(body["required"] == true, way),
        Way::Out => Presence::Usual,
    };
    Some(Body { media_type: media_type.to_owned(), presence, about, shape })
}

impl Path {
    fn of(path: &str) -> Self {
        let part = |part: &str| (part.to_owned(), part.starts_with('{'));
        Self(path.split('/').filter(|part| !part.is_empty()).map(part).collect())
    }
}

impl Contents {
    /// `1 operation`, `2 operations`.
    pub(super) fn size(&self) -> String {
        let operations = if self.lines.len() == 1 { "operation" } else { "operations" };
        format!("{} {operations}", self.lines.len())
    }
}
