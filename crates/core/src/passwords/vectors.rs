//! Digests of one password, made by others: argon2-cffi and bcrypt of Python, hashlib, OpenSSL, scrypt and AES of Node.js, and what
//! Firebase shows in its own documentation.

use super::{PasswordAlgorithm as Kind, PasswordDigest, Passwords};
use crate::Secret;

const PASSWORD: &str = "correct horse";

const VECTORS: &[(Kind, &str)] = &[
    (
        Kind::Argon2i,
        "$argon2i$v=19$m=4096,t=256,p=1$c2FsdHNhbHRzYWx0MTIzNA$A08BGK6dPUVBtSb/F/R3w7EpZioPFjK+gphLEYNfStc",
    ),
    (
        Kind::Argon2i,
        "$argon2i$v=16$m=1024,t=3,p=1$c2FsdHNhbHRzYWx0MTIzNA$kKRHDWPfz4pJzF5POaooR4O9I7n21aPxr1LONYzY0EI",
    ),
    // The first version without its name, which later ones added.
    (
        Kind::Argon2i,
        "$argon2i$m=1024,t=3,p=1$c2FsdHNhbHRzYWx0MTIzNA$kKRHDWPfz4pJzF5POaooR4O9I7n21aPxr1LONYzY0EI",
    ),
    (
        Kind::Argon2d,
        "$argon2d$v=19$m=1024,t=2,p=2$c2FsdHNhbHRzYWx0MTIzNA$8w4ZjVBRsvCuvcgX4dN4IPJ3Qc2R2Yk9QVpBpTE1aMQ",
    ),
    (
        Kind::Argon2id,
        "$argon2id$v=19$m=2048,t=2,p=2$c2FsdHNhbHRzYWx0MTIzNA$V53iu3ugrjduUvH+IdWy3P3IYUUV8KgP",
    ),
    (Kind::Bcrypt, "$2b$06$abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC"),
    (Kind::Bcrypt, "$2y$06$6VHqGBURAw42ixzR3aKn8.T0N50UdIUanFFslSzjiypDiSwTUMaHy"),
    (Kind::MD5, "3cb4e732631f47e6eb961f34554b7cde"),
    (Kind::SHA1, "2F9E53523B62ABC141A2B4D6019D23CBA835DBD0"),
    (Kind::SHA256, "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631"),
    (
        Kind::Legacy,
        r#"["sha256", ["salt123", "@"], "672530e7a1e0b9340f248a12437d4d56323c2be607e154e139a88cd8634bc4b7"]"#,
    ),
    (Kind::Legacy, r#"["md5", ["@", "pepper"], "edf3863f78323b0ef4b0a008412eab5e"]"#),
    (Kind::Legacy, r#"["sha1", ["a", "@", "b"], "beb8878fcc48fd7b94a0bc57baed89b10130ad10"]"#),
    (
        Kind::Legacy,
        r#"["SHA512", ["s", "@"], "ad996f85294f39243998209cbd622bd65bf57e9acfda00d14377c16766a545dfce114e12f4e578cb2c75ad101fb962112ffc335b5ad8e2dcb2fcc13ef6c393b6"]"#,
    ),
    (
        Kind::Legacy,
        r#"["sha224", ["@"], "be678ecb0e1e13fd0c1440995f43225ca83aeb66717e8ea790b867f2"]"#,
    ),
    (
        Kind::Legacy,
        r#"["sha384", ["@"], "02b20a6f2ebb1360a9a60f4cf90857363ed419c022b121567ce5f91c6e39664fb78fd60234c4a58b5bfc7145ae983292"]"#,
    ),
    (
        Kind::Legacy,
        r#"["sha512-256", ["@"], "adfe73059f259340e325945da2dff9f935b28c30d0156e88e7e6ed0e02b670dd"]"#,
    ),
    (
        Kind::Legacy,
        r#"["sha3-256", ["@"], "e2bb427c913c99e9663c5d0e97472bd8618656cabbca6274c2743b0ebf107ce3"]"#,
    ),
    (
        Kind::Legacy,
        r#"["pbkdf2", ["salt123", "1000", "20", "sha512", "@"], "b149f31f5320e1eb0831e67ac56942dce302cce1"]"#,
    ),
    (
        Kind::Legacy,
        r#"["pbkdf2", ["hex:00ff10", "2500", "40", "sha256", "@"], "e23bbed4b392082b03bf17223b9f75df1c221dded4d3f258cbb8a88a7e30b30151390ff224293d0d"]"#,
    ),
    (
        Kind::Legacy,
        r#"["pbkdf2", ["s", "1", "20", "sha1", "@"], "16935a65460c43196e9aa49442847e3eeb751dde"]"#,
    ),
    (
        Kind::Legacy,
        r#"["firebase-scrypt", ["c2FsdHNhbHQ=", "anNpZ25lcmtleQ==", "Bw==", "8", "10", "@"], "QdnfiVnPQcmbzw=="]"#,
    ),
];

/// The example in Firebase's documentation of its own scrypt.
const FIREBASE: (&str, &str) = (
    "user1password",
    r#"["firebase-scrypt",["42xEC+ixf3L2lw==","jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==","Bw==","8","14","@"],"lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="]"#,
);

async fn matches(password: &str, digest: &PasswordDigest) -> bool {
    let password = Secret::new(password.to_owned());
    Passwords::default().verify(&password, Some(digest)).await.unwrap()
}

#[tokio::test]
async fn what_others_made_is_compared_with() {
    for (kind, text) in VECTORS {
        let digest = PasswordDigest::imported(*kind, text)
            .unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert!(matches(PASSWORD, &digest).await, "{text}");
        assert!(!matches("correct hors", &digest).await, "{text}");
        let stored = PasswordDigest::from_stored(kind.as_str(), digest.as_str().to_owned());
        assert_eq!(stored.unwrap(), digest);
        assert_eq!(PasswordDigest::from_text(&digest.to_text()), Some(digest), "{text}");
    }
    let (password, text) = FIREBASE;
    let digest = PasswordDigest::imported(Kind::Legacy, text).unwrap();
    assert!(matches(password, &digest).await);
    assert!(!matches(PASSWORD, &digest).await);
}

#[test]
fn what_no_password_could_be_compared_with_is_refused() {
    let code = |kind, text: &str| PasswordDigest::imported(kind, text).unwrap_err().code();
    let argon2 = "$argon2i$v=19$m=4096,t=256,p=1$c2FsdHNhbHRzYWx0MTIzNA$A08BGK6dPUVBtSb/F/R3w7EpZioPFjK+gphLEYNfStc";
    for (kind, text) in [
        (Kind::MD5, "3cb4"),
        (Kind::MD5, "zzb4e732631f47e6eb961f34554b7cde"),
        (Kind::SHA256, "2F9E53523B62ABC141A2B4D6019D23CBA835DBD0"),
        (Kind::Bcrypt, "$2b$06$short"),
        // More than a sign-in is worth.
        (Kind::Bcrypt, "$2b$20$abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC"),
        (Kind::Argon2i, &argon2.replace("t=256", "t=100000")),
        (Kind::Argon2i, &argon2.replace("m=4096", "m=4194304")),
        (Kind::Argon2i, &argon2.replace("v=19", "v=20")),
        // Of another kind than is said.
        (Kind::Argon2id, argon2),
        (Kind::Argon2d, "hunter2"),
    ] {
        assert_eq!(code(kind, text), Some("guard.invalid_input"), "{text}");
    }
    for text in [
        "",
        "{}",
        r#"["sha256", ["salt"], "aa"]"#,
        r#"["sha256", ["@"], "aa"]"#,
        r#"["sha256", "@", "aa"]"#,
        r#"["pbkdf2", ["s", "1000", "20", "@"], "aa"]"#,
        r#"["pbkdf2", ["s", "0", "1", "sha1", "@"], "aa"]"#,
        r#"["pbkdf2", ["s", "99999999", "1", "sha1", "@"], "aa"]"#,
        r#"["pbkdf2", ["hex:zz", "1", "1", "sha1", "@"], "aa"]"#,
        r#"["firebase-scrypt", ["a", "b", "c", "8", "30", "@"], "aaaa"]"#,
    ] {
        assert_eq!(
            code(Kind::Legacy, text),
            Some("password.invalid_legacy_password_format"),
            "{text}"
        );
    }
    for text in [r#"["rot13", ["@"], "aa"]"#, r#"["pbkdf2", ["s", "1", "1", "md5", "@"], "aa"]"#] {
        assert_eq!(
            code(Kind::Legacy, text),
            Some("password.unsupported_legacy_hash_algorithm"),
            "{text}"
        );
    }
    assert!(PasswordDigest::imported(Kind::MD5, &"a".repeat(257)).is_err());
    assert_eq!(PasswordDigest::from_text("rot13:abc"), None);
}
