//! What a device code is, and how often one may be guessed.

use trinco_oauth::token::{DeviceDecision, IssuedDeviceCode};

use crate::Secret;

/// Both codes live for ten minutes: milliseconds.
pub(super) const LIFETIME_MS: i64 = 600_000;
/// Wrong codes are counted for ten minutes: milliseconds.
pub(super) const ATTEMPT_WINDOW_MS: i64 = 600_000;
/// So many wrong codes may be typed by one user, or in one browser whose user is not signed in.
pub(super) const MOST_ATTEMPTS: i64 = 5;
/// So many wrong codes may be typed by everybody who is not signed in, because a browser can throw its cookie away: a thousand
/// guesses in a code's life find one of n live codes, of which there are 20⁸, with a chance of n in 25 million (RFC 8628 §5.1). From
/// then on people sign in before a code is looked at, and nobody is shut out by the guesses of others.
pub(super) const MOST_ATTEMPTS_OF_STRANGERS: i64 = 1000;

/// Who types a code.
#[derive(Clone, Copy, Debug)]
pub enum Visitor<'a> {
    /// A person who is signed in.
    SignedIn {
        /// The user: signing in again gives nobody further attempts.
        user_id: &'a str,
    },
    /// Anybody.
    Stranger {
        /// What the cookie of the device page holds.
        browser: &'a str,
    },
}

/// What became of a typed code.
#[derive(Clone, Debug)]
pub enum Entered {
    /// A device waits under it, and this interaction answers it.
    Right {
        /// The application.
        client_id: String,
        /// For the browser's interaction cookie.
        interaction_id: Secret,
    },
    /// No device waits under it, or no longer.
    Wrong,
    /// Too many were wrong; this one was not looked at.
    TooManyAttempts,
    /// Strangers have typed too many; this one is looked at once its person has signed in.
    SignInFirst {
        /// The application the sign-in is kept under.
        client_id: String,
        /// For the browser's interaction cookie.
        interaction_id: Secret,
    },
}

/// A device code as it is kept: times in Unix milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct DeviceCode {
    pub(crate) client_id: String,
    pub(crate) grant_id: Option<String>,
    pub(super) expires_at: i64,
    pub(super) polled_at: Option<i64>,
    pub(super) decided_at: Option<i64>,
    pub(super) consumed_at: Option<i64>,
}

impl DeviceCode {
    /// As the rules see it.
    pub(crate) fn issued(&self) -> IssuedDeviceCode<'_> {
        IssuedDeviceCode {
            client_id: &self.client_id,
            decision: match (self.decided_at, &self.grant_id) {
                (None, _) => DeviceDecision::Pending,
                (Some(_), None) => DeviceDecision::Denied,
                (Some(_), Some(_)) => DeviceDecision::Allowed,
            },
            expires_at: self.expires_at,
            polled_at: self.polled_at,
            consumed_at: self.consumed_at,
        }
    }
}
