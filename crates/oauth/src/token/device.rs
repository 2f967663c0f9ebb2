//! The device code at the token endpoint (RFC 8628 §3.4, §3.5).

use super::RefusedCode;
use crate::{
    client::Client,
    error::{ErrorCode, OAuthError},
    secret::Secret,
};

/// A client that was told nothing waits this long between two polls (RFC 8628 §3.2): milliseconds.
pub const POLL_INTERVAL_MS: i64 = 5000;

/// RFC 8628 §3.4.
#[derive(Debug, Clone)]
pub struct DeviceCodeRequest {
    /// The device code.
    pub device_code: Secret,
    /// RFC 8707 §2.2.
    pub resource: Option<String>,
}

/// What the user answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceDecision {
    /// Nothing yet.
    Pending,
    /// No.
    Denied,
    /// Yes.
    Allowed,
}

/// What is kept of a device code.
#[derive(Debug, Clone, Copy)]
pub struct IssuedDeviceCode<'a> {
    /// Whom it was issued to.
    pub client_id: &'a str,
    /// What the user answered.
    pub decision: DeviceDecision,
    /// When it ends: Unix milliseconds.
    pub expires_at: i64,
    /// When it was last polled for in vain: Unix milliseconds.
    pub polled_at: Option<i64>,
    /// When it was spent: Unix milliseconds.
    pub consumed_at: Option<i64>,
}

/// Checks a presented device code before it is spent. Spending it must be one atomic step of the caller; losing that
/// race is a replay. `now`: Unix milliseconds.
///
/// # Errors
/// [`RefusedCode`] with `invalid_grant` for another client's code or one that was used; `expired_token`; and while the
/// user has not answered `authorization_pending`, or `slow_down` to a client that polls too fast; `access_denied`.
pub fn check_device_code(
    client: &Client,
    code: &IssuedDeviceCode<'_>,
    now: i64,
) -> Result<(), RefusedCode> {
    let refuse = |error| Err(RefusedCode { error, revoke_grant: false });
    // First of all, so that a stranger learns nothing and cannot have a grant revoked.
    if code.client_id != client.client_id {
        return refuse(OAuthError::invalid_grant("device code of another client"));
    }
    if code.consumed_at.is_some() {
        // As an authorization code's (RFC 9700 §4.5): a replay revokes what the first use issued.
        let error = OAuthError::invalid_grant("device code was used before");
        return Err(RefusedCode { error, revoke_grant: true });
    }
    if now >= code.expires_at {
        return refuse(OAuthError::new(ErrorCode::ExpiredToken, "the device code has expired"));
    }
    match code.decision {
        DeviceDecision::Allowed => Ok(()),
        DeviceDecision::Denied => {
            refuse(OAuthError::new(ErrorCode::GrantDenied, "the user denied the request"))
        }
        DeviceDecision::Pending
            if code.polled_at.is_some_and(|at| now.saturating_sub(at) < POLL_INTERVAL_MS) =>
        {
            refuse(OAuthError::new(ErrorCode::SlowDown, "polling too fast, wait 5 seconds longer"))
        }
        DeviceDecision::Pending => refuse(OAuthError::new(
            ErrorCode::AuthorizationPending,
            "the user has not answered yet",
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::ApplicationType;

    fn code() -> IssuedDeviceCode<'static> {
        IssuedDeviceCode {
            client_id: "tv",
            decision: DeviceDecision::Pending,
            expires_at: 600_000,
            polled_at: None,
            consumed_at: None,
        }
    }

    fn refusal(code: &IssuedDeviceCode<'_>, now: i64) -> (ErrorCode, bool) {
        let client = Client::new("tv", ApplicationType::Native);
        let refused = check_device_code(&client, code, now).unwrap_err();
        (refused.error.error, refused.revoke_grant)
    }

    #[test]
    fn a_pending_code_is_polled_for_every_five_seconds() {
        assert_eq!(refusal(&code(), 0), (ErrorCode::AuthorizationPending, false));
        let polled = IssuedDeviceCode { polled_at: Some(1000), ..code() };
        assert_eq!(refusal(&polled, 5999), (ErrorCode::SlowDown, false));
        assert_eq!(refusal(&polled, 6000), (ErrorCode::AuthorizationPending, false));
    }

    #[test]
    fn an_answer_is_not_held_back_from_a_client_that_polls_fast() {
        let client = Client::new("tv", ApplicationType::Native);
        let allowed =
            IssuedDeviceCode { decision: DeviceDecision::Allowed, polled_at: Some(1000), ..code() };
        assert_eq!(check_device_code(&client, &allowed, 1001), Ok(()));
        let denied = IssuedDeviceCode { decision: DeviceDecision::Denied, ..allowed };
        assert_eq!(refusal(&denied, 1001), (ErrorCode::GrantDenied, false));
    }

    #[test]
    fn expiry_comes_before_every_answer_and_use_before_expiry() {
        for decision in [DeviceDecision::Pending, DeviceDecision::Denied, DeviceDecision::Allowed] {
            let code = IssuedDeviceCode { decision, ..code() };
            assert_eq!(refusal(&code, 600_000), (ErrorCode::ExpiredToken, false));
        }
        let used =
            IssuedDeviceCode { decision: DeviceDecision::Allowed, consumed_at: Some(5), ..code() };
        assert_eq!(refusal(&used, 600_000), (ErrorCode::InvalidGrant, true));
    }

    proptest! {
        #[test]
        fn another_client_never_learns_or_breaks_anything(
            now in 0_i64..1_000_000,
            polled_at in prop::option::of(0_i64..1_000_000),
            consumed_at in prop::option::of(0_i64..1_000_000),
            decision in prop::sample::select(vec![
                DeviceDecision::Pending, DeviceDecision::Denied, DeviceDecision::Allowed]),
        ) {
            let code = IssuedDeviceCode { decision, polled_at, consumed_at, client_id: "other", ..code() };
            prop_assert_eq!(refusal(&code, now), (ErrorCode::InvalidGrant, false));
        }

        #[test]
        fn only_an_allowed_unspent_unexpired_code_passes(
            now in 0_i64..1_200_000,
            consumed_at in prop::option::of(0_i64..1_000_000),
            decision in prop::sample::select(vec![
                DeviceDecision::Pending, DeviceDecision::Denied, DeviceDecision::Allowed]),
        ) {
            let code = IssuedDeviceCode { decision, consumed_at, ..code() };
            let client = Client::new("tv", ApplicationType::Native);
            let passes = check_device_code(&client, &code, now).is_ok();
            let expected =
                decision == DeviceDecision::Allowed && consumed_at.is_none() && now < 600_000;
            prop_assert_eq!(passes, expected);
        }
    }
}
