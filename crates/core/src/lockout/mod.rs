//! Whoever guesses passwords is locked out: after too many wrong ones for a user name, an e-mail address or a phone number within an
//! hour, none is looked at for a while, not even the right one (RFC 6749 §10.10). What is counted is the identifier and never the
//! account behind it, so that nothing tells those that are nobody's from the others; an account with three of them has three counts.

mod store;

use trinco_db::Tx;

use crate::audit::{self, Entry, Outcome};
use crate::experience::{SentinelPolicy, SignInExperience};
use crate::users::{self, Identifier};
use crate::{Error, Result, Tenant, TokenHash};

/// Wrong passwords are forgotten an hour after the first of them. Milliseconds.
const WINDOW_MS: i64 = 3_600_000;
/// Unless the sign-in settings say otherwise, as in the reference: attempts within the hour, and minutes.
const DEFAULTS: (u32, u32) = (100, 60);

/// Whose password is tried: what somebody typed, however it is spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(TokenHash);

/// An attempt that has been counted and not been judged yet.
#[derive(Clone, Debug)]
pub struct Attempt {
    target: Target,
    /// For how many minutes nobody gets in if this one is wrong: only the last that is allowed locks out.
    pub locks_for: Option<u32>,
}

impl Target {
    /// Spellings that find the same account are one target, whether there is that account or not. So is a text that can be nobody's.
    pub fn of(typed: &str, experience: &SignInExperience) -> Self {
        let case_sensitive = experience.username_policy.case_sensitive;
        // The kinds of identifiers need not be told apart: no text is of two kinds.
        Self(match Identifier::read(typed) {
            Some(identifier) => TokenHash::of(&identifier.folded(case_sensitive)),
            None => TokenHash::of(typed.trim()),
        })
    }
}

/// Counts an attempt before the password is looked at, so that guessing in parallel gains nothing. To be called by whoever has a
/// [`Place`](crate::passwords::Place) and hashes the password then, whatever becomes of the client: there are no more new rows than
/// hashes, which are slower than the sweep that takes the rows away.
///
/// # Errors
/// `session.verification_blocked_too_many_attempts`, with the minutes that are left, when there were too many.
pub async fn charge(tenant: &Tenant, target: Target) -> Result<Attempt> {
    let SentinelPolicy { max_attempts, lockout_duration } =
        tenant.snapshot().experience.sentinel_policy;
    let most = max_attempts.unwrap_or(DEFAULTS.0);
    let minutes = lockout_duration.unwrap_or(DEFAULTS.1);
    let now = tenant.now_ms();
    let locked_until = now + i64::from(minutes) * 60_000;
    let charge = store::Charge {
        target: target.0.clone(),
        most: most.into(),
        now,
        // The first may be the last that is allowed.
        first_until: if most == 1 { locked_until } else { now + WINDOW_MS },
        locked_until,
    };
    let charged = tenant.write(charge, |tx, charge| Box::pin(store::charge(tx, charge))).await?;
    if charged.is_allowed {
        let locks_for = (charged.attempts >= i64::from(most)).then_some(minutes);
        return Ok(Attempt { target, locks_for });
    }
    // Rounded up, so that whoever waits that long gets in; but for the second by which clocks differ, or somebody was faster.
    let left = ((charged.expires_at - now + 58_999) / 60_000).max(1).to_string();
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
    store::delete(tx, &attempt.target.0).await
}

/// Ends lockouts of these names: ids, user names, e-mail addresses or phone numbers. Of an account, all its identifiers are free again,
/// whichever it was named by. Those that are not locked out stay so, with their count begun anew.
///
/// # Errors
/// When the database does not answer.
pub async fn end(tenant: &Tenant, names: Vec<String>) -> Result<()> {
    let entry = Entry::new(tenant, "Lockout.End", Outcome::Success).fact("targets", names.clone());
    tenant
        .write((names, tenant.snapshot(), entry), |tx, (names, snapshot, entry)| {
            Box::pin(async move {
                let ids = users::ids_of_names(tx, names).await?;
                let accounts = users::find_many(tx, &ids).await?;
                let theirs = accounts.iter().flat_map(|user| {
                    [&user.username, &user.primary_email, &user.primary_phone].into_iter().flatten()
                });
                for name in theirs.chain(names) {
                    let Target(hash) = Target::of(name, &snapshot.experience);
                    store::delete(tx, &hash).await?;
                }
                audit::append(tx, entry).await
            })
        })
        .await
}
