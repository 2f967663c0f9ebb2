//! Verification codes: six digits that show that someone reads what is sent to an e-mail address or a phone number.
//!
//! Of a recipient and a purpose only the last code counts, until it expires, was tried too often, or was right once. How long and how
//! often is `verificationCodePolicy` of the sign-in settings.

mod store;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::Value;
use trinco_db::Tx;

use crate::experience::VerificationCodePolicy;
use crate::messages::{self, Message, MessageType, Recipient};
use crate::{Alphabet, Error, JsonObject, Result, Tenant, TokenHash};
use store::StoredCode;

/// Digits of a code.
const LENGTH: usize = 6;
/// Unless the sign-in settings say otherwise, as in the reference: seconds, and tries.
const DEFAULTS: (u32, u32) = (600, 10);

/// Sends a code. An earlier one for the same purpose counts no longer.
///
/// # Errors
/// As [`messages::send`].
pub async fn request(
    tenant: &Tenant,
    to: Recipient,
    purpose: MessageType,
    locale: Option<String>,
) -> Result<()> {
    let code = Alphabet::Digit.random(tenant.randomness(), LENGTH);
    let target = target_of(&to, purpose);
    let payload: JsonObject =
        [("code".to_owned(), Value::from(code.as_str()))].into_iter().collect();
    let message = Message { to, message_type: purpose, payload, locale };
    let ready = messages::prepare(tenant, message).await?;
    let policy: VerificationCodePolicy = tenant.snapshot().experience.verification_code_policy;
    let seconds = policy.expiration_duration.unwrap_or(DEFAULTS.0);
    let stored = StoredCode {
        id: tenant.new_id(),
        code: tenant.sealer().seal(
            tenant.randomness(),
            &place(tenant.id(), &target),
            code.as_bytes(),
        ),
        expires_at: tenant.now_ms() + i64::from(seconds) * 1000,
        target,
    };
    let written = tenant
        .write((ready.charge(tenant), stored), |tx, (charge, stored)| {
            Box::pin(async move {
                messages::charge(tx, charge).await?;
                store::put(tx, stored).await
            })
        })
        .await;
    ready.told(tenant, written).await?;
    ready.send().await
}

/// Spends a code.
///
/// # Errors
/// `verification_code.not_found`, `verification_code.expired`, `verification_code.exceed_max_try`, `verification_code.code_mismatch`.
pub async fn verify(
    tenant: &Tenant,
    to: &Recipient,
    purpose: MessageType,
    code: &str,
) -> Result<()> {
    let policy: VerificationCodePolicy = tenant.snapshot().experience.verification_code_policy;
    let most = i64::from(policy.max_retry_attempts.unwrap_or(DEFAULTS.1));
    let target = target_of(to, purpose);
    let input = (target.clone(), tenant.now_ms(), most);
    // A try counts before the code is looked at, so that guessing in parallel gains nothing.
    let charged = tenant
        .write(input, |tx, (target, now, most)| Box::pin(charge(tx, target, *now, *most)))
        .await?;
    let sent = tenant.sealer().open(&place(tenant.id(), &target), &charged.code)?;
    if verify_slices_are_equal(&sent, code.as_bytes()).is_err() {
        return Err(Error::refused("verification_code.code_mismatch"));
    }
    let is_spent = tenant
        .write((target, charged.id), |tx, (target, id)| {
            Box::pin(async move { store::delete(tx, target, id).await })
        })
        .await?;
    if is_spent { Ok(()) } else { Err(Error::refused("verification_code.not_found")) }
}

async fn charge(tx: &mut Tx<'_>, target: &TokenHash, now: i64, most: i64) -> Result<StoredCode> {
    let is_counted = store::count(tx, target, now, most).await?;
    let stored = store::find(tx, target).await?;
    let stored = stored.ok_or_else(|| Error::refused("verification_code.not_found"))?;
    if stored.expires_at <= now {
        return Err(Error::refused("verification_code.expired"));
    }
    if is_counted { Ok(stored) } else { Err(Error::refused("verification_code.exceed_max_try")) }
}

fn target_of(to: &Recipient, purpose: MessageType) -> TokenHash {
    to.hash(&format!("codes:{}", purpose.as_str()))
}

fn place<'a>(tenant: &'a str, target: &'a TokenHash) -> [&'a str; 3] {
    [tenant, "verification_codes", target.as_str()]
}
