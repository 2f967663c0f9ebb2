//! The files the pages load, compiled in and named by their content, so that a browser may keep
//! them for ever: `/assets/<name>.<hash>.<extension>`.

use std::sync::LazyLock;

use super::etag;

/// A compiled-in file.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Absolute path, with the content hash in the file's name.
    pub path: String,
    /// Media type, with the charset where the type has one.
    pub content_type: &'static str,
    /// The contents.
    pub bytes: &'static [u8],
    /// A strong entity tag, in quotes (RFC 9110 §8.8.3).
    pub etag: String,
}

/// `Cache-Control` for every asset: the name changes when the content does.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// Every asset.
pub fn all() -> &'static [Asset] {
    &ASSETS[..]
}

/// The asset at an absolute path.
pub fn at(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// The stylesheet of all pages.
pub fn stylesheet() -> &'static Asset {
    &ASSETS[0]
}

/// What improves a form: showing the password, the Caps Lock hint, live rules, one submission.
pub fn form_script() -> &'static Asset {
    &ASSETS[1]
}

/// What sends a form without waiting for the button.
pub fn auto_submit_script() -> &'static Asset {
    &ASSETS[2]
}

/// The mark on a tile; also right at `/favicon.svg`, with a short lifetime.
pub fn favicon() -> &'static Asset {
    &ASSETS[3]
}

/// The mark alone, in the colour of its surroundings.
pub fn mark() -> &'static Asset {
    &ASSETS[4]
}

/// The stylesheet of the API reference.
pub fn reference_stylesheet() -> &'static Asset {
    &ASSETS[5]
}

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

// What stylesheets have in common is a part of each: a page waits for one file.
const PAGES: &str = concat!(include_str!("assets/tokens.css"), include_str!("assets/pages.css"));
const REFERENCE: &str =
    concat!(include_str!("assets/tokens.css"), include_str!("assets/reference.css"));

static ASSETS: LazyLock<[Asset; 6]> = LazyLock::new(|| {
    [
        asset("pages", "css", CSS, PAGES.as_bytes()),
        asset("form", "js", JAVASCRIPT, include_bytes!("assets/form.js")),
        asset("auto-submit", "js", JAVASCRIPT, include_bytes!("assets/auto-submit.js")),
        asset("favicon", "svg", SVG, include_bytes!("assets/favicon.svg")),
        asset("mark", "svg", SVG, include_bytes!("assets/mark.svg")),
        asset("reference", "css", CSS, REFERENCE.as_bytes()),
    ]
});

fn asset(name: &str, extension: &str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    let etag = etag::of(bytes);
    let hash = etag.trim_matches('"');
    Asset { path: format!("/assets/{name}.{hash}.{extension}"), content_type, bytes, etag }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_found_by_the_path_the_pages_use() {
        for asset in all() {
            assert!(std::ptr::eq(at(&asset.path).unwrap(), asset));
            assert!(asset.path.contains(asset.etag.trim_matches('"')), "{}", asset.path);
        }
        assert!(at("/assets/pages.css").is_none());
        assert!(at("/assets/../pages.css").is_none());
    }

    #[test]
    fn the_accessors_name_their_files() {
        assert!(stylesheet().path.starts_with("/assets/pages."));
        assert!(form_script().path.starts_with("/assets/form."));
        assert!(auto_submit_script().path.starts_with("/assets/auto-submit."));
        assert!(favicon().path.starts_with("/assets/favicon."));
        assert!(mark().path.starts_with("/assets/mark."));
        assert!(reference_stylesheet().path.starts_with("/assets/reference."));
    }
}
