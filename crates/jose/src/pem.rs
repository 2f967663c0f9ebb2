//! Reading private keys from PEM (RFC 7468), as far as keys need it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::KeyError;

/// An RSA key of 8192 bits takes about 6.4 kB.
const MAX_LENGTH: usize = 16 * 1024;

/// The DER inside a PEM file, by the structure its label names.
pub(crate) enum PrivateKeyDer {
    /// `PRIVATE KEY`: PKCS#8 (RFC 5208).
    Pkcs8(Zeroizing<Vec<u8>>),
    /// `EC PRIVATE KEY`: SEC 1 (RFC 5915).
    Sec1(Zeroizing<Vec<u8>>),
    /// `RSA PRIVATE KEY`: PKCS#1 (RFC 8017 §A.1.2).
    Pkcs1(Zeroizing<Vec<u8>>),
}

/// Finds the first private key in `pem`. Other blocks (`openssl ecparam` writes
/// `EC PARAMETERS` first) and text outside blocks are skipped; encrypted keys are refused.
pub(crate) fn private_key(pem: &str) -> Result<PrivateKeyDer, KeyError> {
    if pem.len() > MAX_LENGTH {
        return Err(KeyError::TooLong);
    }
    let mut lines = pem.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = label(line, "-----BEGIN ") else { continue };
        let wrap: fn(Zeroizing<Vec<u8>>) -> PrivateKeyDer = match label {
            "PRIVATE KEY" => PrivateKeyDer::Pkcs8,
            "EC PRIVATE KEY" => PrivateKeyDer::Sec1,
            "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1,
            _ => continue,
        };
        return decode_block(&mut lines, label).map(wrap);
    }
    Err(KeyError::Malformed)
}

fn decode_block<'a>(
    lines: &mut impl Iterator<Item = &'a str>,
    wanted: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // Reserved up front: growing would leave copies of the key in freed memory.
    let mut base64 = Zeroizing::new(String::with_capacity(MAX_LENGTH));
    for line in lines {
        if let Some(end) = label(line, "-----END ") {
            if end != wanted {
                return Err(KeyError::Malformed);
            }
            let mut der = Zeroizing::new(vec![0; base64.len() / 4 * 3 + 3]);
            let length = STANDARD
                .decode_slice(base64.as_bytes(), &mut der)
                .map_err(|_| KeyError::Malformed)?;
            der.truncate(length);
            return Ok(der);
        }
        base64.push_str(line);
    }
    Err(KeyError::Malformed)
}

fn label<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    line.strip_prefix(prefix)?.strip_suffix("-----")
}
