//! Texts that a tenant writes in place of the built-in ones, and what sign-in pages of any make are told of both.
//!
//! Keys are the reference's: whoever has written texts for it keeps them. What our own pages say is offered under the key of the
//! reference that means the same ([`shared`]).

mod languages;
mod model;
mod shared;
mod store;

use std::sync::Arc;

use trinco_db::Conn;
use trinco_locales::{Language, negotiate};

pub use languages::PhraseLanguage;
pub use model::{CustomPhrase, Phrase, Phrasebook, Texts, Translation};

use crate::{Error, Result, Section, Tenant};

/// Everything the tenant has written, by language.
pub fn list(tenant: &Tenant) -> Vec<CustomPhrase> {
    let snapshot = tenant.snapshot();
    snapshot.custom_phrases.0.values().map(|phrase| CustomPhrase::clone(phrase)).collect()
}

/// What the tenant has written in a language.
///
/// # Errors
/// `entity.not_found`.
pub async fn get(tenant: &Tenant, language: PhraseLanguage) -> Result<CustomPhrase> {
    let found: Option<Arc<CustomPhrase>> =
        tenant.find(|snapshot| snapshot.custom_phrases.get(language).cloned()).await?;
    found
        .map(|phrase| CustomPhrase::clone(&phrase))
        .ok_or_else(|| Error::refused("entity.not_found"))
}

/// Puts texts in the place of what the tenant had written in the language.
///
/// # Errors
/// `localization.invalid_translation_structure` when there is a group where the pages have a text, or the other way round.
pub async fn put(
    tenant: &Tenant,
    language: PhraseLanguage,
    translation: Translation,
) -> Result<CustomPhrase> {
    shared::check_structure(translation.texts())?;
    let phrase = CustomPhrase {
        tenant_id: tenant.id().to_owned(),
        id: tenant.new_id(),
        language_tag: language,
        translation,
    };
    tenant
        .configure(&[Section::CustomPhrases], phrase, |tx, bumped, phrase| {
            Box::pin(async move {
                let id = store::put(tx, bumped, phrase).await?;
                Ok(CustomPhrase { id, ..phrase.clone() })
            })
        })
        .await
}

/// Deletes what the tenant has written in a language.
///
/// # Errors
/// `localization.cannot_delete_default_language`; `entity.not_found`.
pub async fn delete(tenant: &Tenant, language: PhraseLanguage) -> Result<()> {
    let fallback = &tenant.snapshot().experience.language_info.fallback_language;
    if fallback.eq_ignore_ascii_case(language.tag()) {
        return Err(Error::refused("localization.cannot_delete_default_language"));
    }
    tenant
        .configure(&[Section::CustomPhrases], language, |tx, bumped, language| {
            Box::pin(async move {
                let deleted = store::delete(tx, bumped, *language).await?;
                deleted.then_some(()).ok_or_else(|| Error::refused("entity.not_found"))
            })
        })
        .await
}

/// The texts for a reader, and the tag of their language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The language.
    pub tag: &'static str,
    /// The built-in texts, with what the tenant has written over them.
    pub texts: Texts,
}

/// The texts for a reader who asks for a language by its tag, or whose browser sends `accept_language`. A language that nobody has
/// written in is read in the best there is.
pub fn read(tenant: &Tenant, wanted: Option<&str>, accept_language: Option<&str>) -> Reading {
    let snapshot = tenant.snapshot();
    let info = &snapshot.experience.language_info;
    let fallback = Language::from_tag(&info.fallback_language).unwrap_or(Language::En);
    let phrases = &snapshot.custom_phrases;
    let own = |tag: &str| {
        PhraseLanguage::from_tag(tag).filter(|language| phrases.get(*language).is_some())
    };
    let accepted = accept_language.filter(|_| info.auto_detect);
    let named = wanted.and_then(own).or_else(|| {
        // Without a wish, a language only the tenant has texts in is chosen when it is the reader's first, or the fallback.
        let first = accepted.and_then(|list| list.split([',', ';']).next()).map(str::trim);
        let first = first.filter(|_| wanted.is_none()).and_then(own);
        let nothing_said = wanted.is_none() && accepted.is_none();
        first.or_else(|| own(&info.fallback_language).filter(|_| nothing_said))
    });
    let built_in = negotiate(named.map(PhraseLanguage::tag).or(wanted), accepted, fallback);
    let mut texts = shared::built_in(built_in);
    let language = named.or_else(|| own(built_in.tag()));
    if let Some(written) = language.and_then(|language| phrases.get(language)) {
        texts.overlay(written.translation.texts());
    }
    Reading { tag: named.map_or(built_in.tag(), PhraseLanguage::tag), texts }
}

/// Reads what a tenant has written.
///
/// # Errors
/// When the database does not answer or holds something unreadable.
pub(crate) async fn load(conn: &mut Conn<'_>) -> Result<Phrasebook> {
    store::all(conn).await
}
