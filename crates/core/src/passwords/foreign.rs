//! What hashes of passwords elsewhere are made of. None of it is good for new ones.

use std::str::FromStr as _;

use aws_lc_rs::digest;

/// Each more doubles the time: about a second on a server of today.
const MOST_BCRYPT_COST: u32 = 15;
const LEAST_BCRYPT_COST: u32 = 4;

/// The hash by the algorithm of this name, as OpenSSL calls it, in any letter case; `None` when there is none.
pub(super) fn digest(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let algorithm = match name.to_ascii_lowercase().as_str() {
        "md5" => {
            use md5::Digest as _;
            return Some(md5::Md5::digest(bytes).to_vec());
        }
        "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "sha224" => &digest::SHA224,
        "sha256" => &digest::SHA256,
        "sha384" => &digest::SHA384,
        "sha512" => &digest::SHA512,
        "sha512-256" => &digest::SHA512_256,
        "sha3-256" => &digest::SHA3_256,
        "sha3-384" => &digest::SHA3_384,
        "sha3-512" => &digest::SHA3_512,
        _ => return None,
    };
    Some(digest::digest(algorithm, bytes).as_ref().to_vec())
}

/// Reads hexadecimal digits in any letter case.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    bytes.chunks(2).map(|pair| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8)).collect()
}

/// Whether it is a bcrypt hash that does not cost too much.
pub(super) fn is_bcrypt(text: &str) -> bool {
    bcrypt::HashParts::from_str(text)
        .is_ok_and(|parts| (LEAST_BCRYPT_COST..=MOST_BCRYPT_COST).contains(&parts.get_cost()))
}
