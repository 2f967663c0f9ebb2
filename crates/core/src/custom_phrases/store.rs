use std::sync::Arc;

use trinco_db::{Conn, Tx, params, sql};

use super::languages::PhraseLanguage;
use super::model::{CustomPhrase, Phrasebook};
use crate::{Bumped, Error, Result};

pub(super) async fn all(conn: &mut Conn<'_>) -> Result<Phrasebook> {
    let tenant = conn.tenant().to_owned();
    let select =
        sql!("SELECT id, language_tag, translation FROM custom_phrases WHERE tenant_id = $1");
    let rows = conn.all(select, &[]).await?;
    let phrases = rows.into_iter().map(|row| {
        let tag: String = row.get(1)?;
        let language_tag = PhraseLanguage::from_tag(&tag)
            .ok_or_else(|| Error::Internal(format!("texts are stored in the language {tag}")))?;
        let phrase = CustomPhrase {
            tenant_id: tenant.clone(),
            id: row.get(0)?,
            language_tag,
            translation: serde_json::from_str(&row.get::<String>(2)?)?,
        };
        Ok((language_tag, Arc::new(phrase)))
    });
    Ok(Phrasebook(phrases.collect::<Result<_>>()?))
}

/// Returns the id that is kept.
pub(super) async fn put(tx: &mut Tx<'_>, _: &Bumped, phrase: &CustomPhrase) -> Result<String> {
    let translation = serde_json::to_string(&phrase.translation)?;
    let row = tx
        .optional(
            sql!(
                "INSERT INTO custom_phrases (tenant_id, id, language_tag, translation)
                 VALUES ($1, $2, $3, $4)
                 ON CONFLICT (tenant_id, language_tag) DO UPDATE SET translation = $4
                 RETURNING id"
            ),
            params![phrase.id.as_str(), phrase.language_tag.tag(), translation],
        )
        .await?;
    let row = row.ok_or_else(|| Error::Internal("texts were not kept".to_owned()))?;
    Ok(row.get(0)?)
}

/// False when there was nothing.
pub(super) async fn delete(tx: &mut Tx<'_>, _: &Bumped, language: PhraseLanguage) -> Result<bool> {
    let delete = sql!("DELETE FROM custom_phrases WHERE tenant_id = $1 AND language_tag = $2");
    Ok(tx.execute(delete, params![language.tag()]).await? > 0)
}
