//! What a tenant writes into its pages: name, colour and link (the first three lines), and style sheet (the rest).

use trinco_http::pages::render;
use trinco_http::pages::view::{Brand, Shell};
use trinco_locales::Language;

use crate::check;

const NONCE: &str = "nonce";
const STYLE: &str = "p{color:red}";

/// Draws a page with the input.
pub fn run(data: &[u8]) -> bool {
    let Some(text) = check::text(data) else { return false };
    let (name, rest) = check::first_line(text);
    let (color, rest) = check::first_line(rest);
    let (link, css) = check::first_line(rest);
    let brand = Brand {
        primary_color: color.to_owned(),
        dark_primary_color: color.to_owned(),
        logo_url: Some(link.to_owned()),
        favicon_url: Some(link.to_owned()),
        display_name: name.to_owned(),
        terms_url: Some(link.to_owned()),
        privacy_url: Some(link.to_owned()),
        ..Brand::default()
    };
    let named = draw(&brand, None);
    // Tag by tag it is the page of someone harmless.
    let plain = |text: &str| if text.is_empty() { String::new() } else { "x".to_owned() };
    let harmless = Brand {
        primary_color: String::new(),
        dark_primary_color: String::new(),
        logo_url: Some(plain(link)),
        favicon_url: Some(plain(link)),
        display_name: plain(name),
        terms_url: Some(plain(link)),
        privacy_url: Some(plain(link)),
        ..Brand::default()
    };
    assert_eq!(tags(&named), tags(&draw(&harmless, None)), "{named}");
    for attribute in named.split("href=\"").skip(1) {
        let value: String = attribute.chars().filter(|letter| *letter > ' ').take(11).collect();
        assert!(!value.to_ascii_lowercase().starts_with("javascript:"), "{named}");
    }
    styled(css);
    !text.is_empty()
}

/// The style sheet stays where it stands.
fn styled(css: &str) {
    let around = draw(&Brand::default(), Some(STYLE));
    let (before, after) = around.split_once(STYLE).expect("the style sheet is on the page");
    let page = draw(&Brand::default(), Some(css));
    let Some(inside) = page.strip_prefix(before).and_then(|page| page.strip_suffix(after)) else {
        assert!(css.is_empty(), "{page}");
        return;
    };
    // The only way out of a style element.
    assert!(!inside.contains("</"), "{inside}");
}

fn draw(brand: &Brand, css: Option<&str>) -> String {
    let mut shell = Shell::new(Language::En, brand.clone(), NONCE.to_owned());
    shell.custom_css = css.map(str::to_owned);
    render::welcome(&shell)
}

/// The names of the tags and their attributes, in order.
fn tags(html: &str) -> Vec<String> {
    let mut tags = Vec::new();
    for tag in html.split('<').skip(1) {
        let mut words = String::new();
        let mut is_quoted = false;
        for letter in tag.chars() {
            match letter {
                '"' => is_quoted = !is_quoted,
                '>' if !is_quoted => break,
                _ if !is_quoted => words.push(letter),
                _ => {}
            }
        }
        tags.push(words);
    }
    tags
}
