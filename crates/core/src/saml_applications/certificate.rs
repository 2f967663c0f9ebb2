//! Keys and certificates that answers are signed with.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
    date_time_ymd,
};

use super::model::{Fingerprint, Fingerprints};
use crate::calendar::Date;
use crate::{Error, Result, Secret};

const DAY_MS: i64 = 86_400_000;

/// A new key and its certificate.
pub(super) struct Signer {
    /// PEM.
    pub(super) private_key: Secret,
    /// PEM.
    pub(super) certificate: String,
    /// Unix milliseconds.
    pub(super) expires_at: i64,
}

/// Makes an RSA key, which every service provider can verify with, and a certificate that it signs itself. That takes a while: it is
/// for a thread of its own.
pub(super) fn make(common_name: &str, years: i64, now_ms: i64) -> Result<Signer> {
    let failed = |error: rcgen::Error| Error::Internal(format!("no certificate was made: {error}"));
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).map_err(failed)?;
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    params.distinguished_name = name;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let (year, month, day) = Date::of_day(now_ms.div_euclid(DAY_MS)).parts();
    // There is no 29 February in most years.
    let last_day = if (month, day) == (2, 29) { 28 } else { day };
    let date = |year: i64, day: i64| {
        let in_range = |_| Error::Internal("the clock is far off".to_owned());
        Ok::<_, Error>(date_time_ymd(
            i32::try_from(year).map_err(in_range)?,
            u8::try_from(month).map_err(in_range)?,
            u8::try_from(day).map_err(in_range)?,
        ))
    };
    params.not_before = date(year, day)?;
    params.not_after = date(year + years, last_day)?;
    let expires_at = params.not_after.unix_timestamp() * 1000;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(Signer {
        private_key: Secret::new(key.serialize_pem()),
        certificate: certificate.pem(),
        expires_at,
    })
}

/// The bytes of a certificate in PEM form (RFC 7468), as base64 without line breaks.
pub(super) fn base64_of(pem: &str) -> Option<String> {
    let inside = pem
        .trim()
        .strip_prefix("-----BEGIN CERTIFICATE-----")?
        .strip_suffix("-----END CERTIFICATE-----")?;
    let text: String = inside.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    // A certificate is a DER sequence.
    let bytes = STANDARD.decode(&text).ok()?;
    (bytes.first() == Some(&0x30) && bytes.len() > 64).then_some(text)
}

/// The hashes of a certificate in PEM form.
///
/// # Errors
/// [`Error::Internal`] when it is none.
pub(super) fn fingerprints(pem: &str) -> Result<Fingerprints> {
    let der = base64_of(pem).and_then(|text| STANDARD.decode(text).ok());
    let der = der.ok_or_else(|| Error::Internal("a stored certificate is damaged".to_owned()))?;
    let hash = digest::digest(&digest::SHA256, &der);
    let bytes: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    let fingerprint = Fingerprint { formatted: bytes.join(":"), unformatted: bytes.concat() };
    Ok(Fingerprints { sha256: fingerprint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_for_whole_years_and_has_a_fingerprint() {
        // 2024-02-29T12:00:00Z
        let signer = make("id.example.com", 3, 1_709_208_000_000).unwrap();
        // 2027-02-28T00:00:00Z
        assert_eq!(signer.expires_at, 1_803_772_800_000);
        assert!(signer.private_key.reveal().starts_with("-----BEGIN PRIVATE KEY-----"));
        let Fingerprint { formatted, unformatted } =
            fingerprints(&signer.certificate).unwrap().sha256;
        assert_eq!((formatted.len(), unformatted.len()), (95, 64));
        assert_eq!(formatted.replace(':', ""), unformatted);
    }

    #[test]
    fn what_is_no_certificate_in_pem_form_is_not_taken_for_one() {
        let wrapped =
            |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----");
        let long = STANDARD.encode([7; 100]);
        for pem in ["", "MIIB", &wrapped(""), &wrapped("MIIB"), &wrapped(&long), &wrapped("%%")] {
            assert_eq!(base64_of(pem), None, "{pem}");
        }
    }
}
