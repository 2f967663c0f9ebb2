//! Whoever guesses passwords is locked out: after too many wrong ones for an account within an hour, none is looked at for a while,
//! not even the right one (RFC 6749 §10.10). Names that are nobody's are counted alike, so that nothing tells them apart.

mod store;

use trinco_db::Tx;

use crate::audit::{self, Entry, Outcome};
use crate::experience::SentinelPolicy;
use crate::{Error, Result, Tenant, TokenHash, users};

/// Wrong passwords are forgotten an hour after the first of them. Milliseconds.
const WINDOW_MS: i64 = 3_600_000;
/// Unless the sign-in settings say otherwise, as in the reference: attempts within the hour, and minutes.
const DEFAULTS: (u32, u32) = (100, 60);

/// Whose password is tried.
pub enum Target<'a> {
    /// An account, under whatever of its names.
    Account(&'a str),
    /// A name that is nobody's, as it was typed.
    Nobody(&'a str),
}

/// An attempt that has been counted and not been judged yet.
#[derive(Clone, Debug)]
pub struct Attempt {
    target: TokenHash,
    /// For how many minutes nobody gets in if this one is wrong: only the last that is allowed locks out.
    pub locks_for: Option<u32>,
}

impl Target<'_> {
    fn hash(&self) -> TokenHash {
        TokenHash::of(&match self {
            Self::Account(id) => format!("account:{id}"),
            Self::Nobody(name) => format!("nobody:{}", name.trim().to_lowercase()),
        })
    }
}

/// Counts an attempt before the password is looked at, so that guessing in parallel gains nothing.
///
/// # Errors
/// `session.verification_blocked_too_many_attempts`, with the minutes that are left, when there were too many.
pub async fn charge(tenant: &Tenant, target: Target<'_>) -> Result<Attempt> {
    let SentinelPolicy { max_attempts, lockout_duration } =
        tenant.snapshot().experience.sentinel_policy;
    let most = max_attempts.unwrap_or(DEFAULTS.0);
    let minutes = lockout_duration.unwrap_or(DEFAULTS.1);
    let now = tenant.now_ms();
    let locked_until = now + i64::from(minutes) * 60_000;
    let charge = store::Charge {
        target: target.hash(),
        most: most.into(),
        now,
        // The first may be the last that is allowed.
        first_until: if most == 1 { locked_until } else { now + WINDOW_MS },
        locked_until,
    };
    let hash = charge.target.clone();
    let charged = tenant.write(charge, |tx, charge| Box::pin(store::charge(tx, charge))).await?;
    if charged.is_allowed {
        let locks_for = (charged.attempts >= i64::from(most)).then_some(minutes);
        return Ok(Attempt { target: hash, locks_for });
    }
    // Rounded up: whoever waits that long gets in.
    let left = ((charged.expires_at - now + 59_999) / 60_000).to_string();
    Err(Error::refused_with(
        "session.verification_blocked_too_many_attempts",
        &[("minutes", &left)],
    ))
}

/// The password was right: what came before is forgotten, in the transaction that signs in.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<()> {
    store::delete(tx, &attempt.target).await
}

/// Ends lockouts, whatever of these names they are of: ids, user names, e-mail addresses or phone numbers of accounts, or names that
/// are nobody's. Those that are not locked out stay so, with their count begun anew.
///
/// # Errors
/// When the database does not answer.
pub async fn end(tenant: &Tenant, names: Vec<String>) -> Result<()> {
    let entry = Entry::new(tenant, "Lockout.End", Outcome::Success).fact("targets", names.clone());
    tenant
        .write((names, entry), |tx, (names, entry)| {
            Box::pin(async move {
                let accounts = users::ids_of_names(tx, names).await?;
                let accounts = accounts.iter().map(|id| Target::Account(id).hash());
                let nobody = names.iter().map(|name| Target::Nobody(name).hash());
                for target in accounts.chain(nobody) {
                    store::delete(tx, &target).await?;
                }
                audit::append(tx, entry).await
            })
        })
        .await
}
