//! What second factors are made of.

use std::collections::BTreeSet;

use super::model::Kept;
use crate::experience::MfaFactor;
use crate::{Error, Randomness, Result, Secret};

/// RFC 4226 §4: secrets of 160 bits are recommended, and 128 the least for new ones. Apps that people bring along have 80.
const SECRET_BYTES: usize = 20;
const SECRET_CHARACTERS: std::ops::RangeInclusive<usize> = 16..=128;
/// So many backup codes there are, each of so many characters.
const CODES: usize = 10;
const CODE_LENGTH: usize = 10;
/// RFC 4648 §6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret for an authenticator app: base32.
pub(super) fn new_secret(randomness: &dyn Randomness) -> Secret {
    let mut bytes = zeroize::Zeroizing::new([0; SECRET_BYTES]);
    randomness.fill(bytes.as_mut());
    Secret::new(base32(bytes.as_ref()))
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32[(held >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(BASE32[(held << (5 - bits) & 31) as usize]));
    }
    text
}

/// Reads a secret that was made elsewhere: base32 in any letter case, without padding.
///
/// # Errors
/// `user.totp_secret_invalid`.
pub(super) fn check_secret(secret: &Secret) -> Result<Secret> {
    let text = secret.reveal().to_ascii_uppercase();
    let is_base32 = text.bytes().all(|byte| BASE32.contains(&byte));
    // A length that no whole number of bytes has.
    let is_whole = !matches!(text.len() % 8, 1 | 3 | 6);
    if is_base32 && is_whole && SECRET_CHARACTERS.contains(&text.len()) {
        Ok(Secret::new(text))
    } else {
        Err(Error::refused("user.totp_secret_invalid"))
    }
}

/// New backup codes.
pub(super) fn new_codes(randomness: &dyn Randomness) -> Vec<Secret> {
    let mut codes = BTreeSet::new();
    while codes.len() < CODES {
        codes.insert(crate::Alphabet::Id.random(randomness, CODE_LENGTH));
    }
    codes.into_iter().map(Secret::new).collect()
}

/// # Errors
/// `user.wrong_backup_code_format` unless there are ten different codes of ten letters and digits each.
pub(super) fn check_codes(codes: &[Secret]) -> Result<()> {
    let is_code = |code: &&Secret| {
        let code = code.reveal();
        code.len() == CODE_LENGTH && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let distinct: BTreeSet<&String> = codes.iter().filter(is_code).map(Secret::reveal).collect();
    if codes.len() == CODES && distinct.len() == CODES {
        Ok(())
    } else {
        Err(Error::refused("user.wrong_backup_code_format"))
    }
}

/// Whether a user who has these factors may add another.
///
/// # Errors
/// `user.totp_already_in_use`; `user.backup_code_already_in_use`; `session.mfa.backup_code_can_not_be_alone`.
pub(super) fn check_addition(existing: &[Kept], added: MfaFactor) -> Result<()> {
    let has = |factor: MfaFactor| existing.iter().any(|kept| kept.factor() == factor);
    let code = match added {
        MfaFactor::Totp if has(MfaFactor::Totp) => "user.totp_already_in_use",
        MfaFactor::BackupCode if existing.iter().all(|kept| kept.factor() == added) => {
            "session.mfa.backup_code_can_not_be_alone"
        }
        // A set that is used up makes room for another.
        MfaFactor::BackupCode
            if existing
                .iter()
                .any(|kept| kept.shown().remain_codes.is_some_and(|left| left > 0)) =>
        {
            "user.backup_code_already_in_use"
        }
        _ => return Ok(()),
    };
    Err(Error::refused(code))
}

/// What an authenticator app reads (Google's key URI format), for a user of this name at this host.
pub(super) fn key_uri(host: &str, user: &str, secret: &Secret) -> Secret {
    let escape = |text: &str| {
        url::form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    let (host, user) = (escape(host), escape(user));
    Secret::new(format!("otpauth://totp/{host}:{user}?secret={}&issuer={host}", secret.reveal()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandomness;

    fn secrets(codes: &[&str]) -> Vec<Secret> {
        codes.iter().map(|code| Secret::new((*code).to_owned())).collect()
    }

    #[test]
    fn base32_is_that_of_the_rfc() {
        // RFC 4648 §10, without padding.
        for (plain, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), text);
        }
    }

    #[test]
    fn a_new_secret_is_one_that_is_accepted() {
        let secret = new_secret(&SystemRandomness);
        assert_eq!(secret.reveal().len(), 32);
        assert_eq!(check_secret(&secret).unwrap(), secret);
        let lower = Secret::new(secret.reveal().to_lowercase());
        assert_eq!(check_secret(&lower).unwrap(), secret);
    }

    #[test]
    fn a_secret_that_no_app_could_read_is_refused() {
        for text in
            ["", "GEZDGNBVGY3TQOJ", "0123456789012345", "GEZDGNBVGY3TQOJQG", "GEZDGNBVGY3TQO=="]
        {
            assert!(check_secret(&Secret::new(text.to_owned())).is_err(), "{text}");
        }
        assert!(check_secret(&Secret::new("A".repeat(129))).is_err());
    }

    #[test]
    fn ten_different_codes_are_accepted() {
        assert!(check_codes(&new_codes(&SystemRandomness)).is_ok());
        let nine: Vec<String> = (0..9).map(|n| format!("abcdefghi{n}")).collect();
        let mut codes: Vec<&str> = nine.iter().map(String::as_str).collect();
        assert!(check_codes(&secrets(&codes)).is_err());
        codes.push("abcdefghi0");
        assert!(check_codes(&secrets(&codes)).is_err(), "one twice");
        codes[9] = "abcdefgh-9";
        assert!(check_codes(&secrets(&codes)).is_err(), "no letter");
        codes[9] = "ABCDEFGHI9";
        assert!(check_codes(&secrets(&codes)).is_ok());
    }

    #[test]
    fn a_key_uri_names_host_and_user() {
        let uri = key_uri("id.example.com", "ana souza@x", &Secret::new("ABC".to_owned()));
        assert_eq!(
            uri.reveal(),
            "otpauth://totp/id.example.com:ana%20souza%40x?secret=ABC&issuer=id.example.com"
        );
    }
}
