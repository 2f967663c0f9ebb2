//! End-user and API texts, one folder of JSON files per language, compiled in.
//!
//! ```
//! use trinco_locales::{Language, Texts, error_message, negotiate};
//!
//! let language = negotiate(None, Some("pt-PT, en;q=0.5"), Language::En);
//! assert_eq!(language, Language::PtBr);
//! assert_eq!(Texts::of(language).get("sign_in.title"), "Entrar");
//! assert_eq!(
//!     error_message(Language::En, "role.name_in_use", &[("name", "editor")]),
//!     "Another role already has that name: editor. Choose a different one."
//! );
//! ```
//!
//! A text may hold `{placeholders}`. A part in square brackets is dropped when one of its
//! placeholders has no value, so a sentence reads well whatever the caller knows.
//! Adding a language: a folder in `texts/`, a variant of [`Language`]; the tests demand the rest.

mod interpolation;
mod language;
mod texts;

pub use language::{Direction, Language, negotiate};
pub use texts::{Texts, error_message};
