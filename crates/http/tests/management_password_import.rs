//! Passwords whose hashes were made elsewhere, at the door.

use serde_json::{Value, json};
use trinco_testkit::{Admin, Server, text};

const PASSWORD: &str = "correct horse";
const SHA256: &str = "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631";

async fn imported(admin: &Admin, algorithm: &str, digest: &str) -> Value {
    let body = json!({
        "username": "ana", "passwordAlgorithm": algorithm, "passwordDigest": digest,
    });
    admin.post("/api/users", body).await.expect(200).json()
}

/// The stored digest and how it was made.
async fn kept(admin: &Admin, id: &str) -> (String, String) {
    let user = admin.get(&format!("/api/users/{id}?includePasswordHash=true")).await.expect(200);
    let user = user.json();
    (text(&user, "/passwordAlgorithm").to_owned(), text(&user, "/passwordDigest").to_owned())
}

#[tokio::test]
async fn an_imported_password_signs_in_and_is_hashed_anew_then() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = imported(&admin, "SHA256", SHA256).await;
    assert_eq!((&user["hasPassword"], &user["passwordDigest"]), (&json!(true), &Value::Null));
    let id = text(&user, "/id");
    assert_eq!(kept(&admin, id).await, ("SHA256".to_owned(), SHA256.to_owned()));

    // To check it changes nothing.
    let verify = format!("/api/users/{id}/password/verify");
    admin.post(&verify, json!({ "password": PASSWORD })).await.expect(204);
    admin.post(&verify, json!({ "password": "wrong" })).await.expect(422);
    assert_eq!(kept(&admin, id).await.0, "SHA256");

    let app = admin.traditional("Shop").await;
    let client = (app.0.as_str(), app.1.as_str());
    let user = ("ana", PASSWORD);
    server.sign_in(&server.browser(), client, user, "openid", &[]).await;
    let (algorithm, digest) = kept(&admin, id).await;
    assert_eq!(algorithm, "Argon2id");
    assert!(digest.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{digest}");
    admin.post(&verify, json!({ "password": PASSWORD })).await.expect(204);

    server.sign_in(&server.browser(), client, user, "openid", &[]).await;
    assert_eq!(kept(&admin, id).await.1, digest, "it is ours by now");
}

#[tokio::test]
async fn every_kind_of_digest_can_be_imported() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (algorithm, digest) in [
        ("MD5", "3cb4e732631f47e6eb961f34554b7cde"),
        ("SHA1", "2f9e53523b62abc141a2b4d6019d23cba835dbd0"),
        ("Bcrypt", "$2b$06$abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC"),
        (
            "Argon2i",
            "$argon2i$v=16$m=1024,t=3,p=1$c2FsdHNhbHRzYWx0MTIzNA$kKRHDWPfz4pJzF5POaooR4O9I7n21aPxr1LONYzY0EI",
        ),
        (
            "Argon2d",
            "$argon2d$v=19$m=1024,t=2,p=2$c2FsdHNhbHRzYWx0MTIzNA$8w4ZjVBRsvCuvcgX4dN4IPJ3Qc2R2Yk9QVpBpTE1aMQ",
        ),
        (
            "Argon2id",
            "$argon2id$v=19$m=2048,t=2,p=2$c2FsdHNhbHRzYWx0MTIzNA$V53iu3ugrjduUvH+IdWy3P3IYUUV8KgP",
        ),
        (
            "Legacy",
            r#"["pbkdf2", ["salt123", "1000", "20", "sha512", "@"], "b149f31f5320e1eb0831e67ac56942dce302cce1"]"#,
        ),
        (
            "Legacy",
            r#"["firebase-scrypt", ["c2FsdHNhbHQ=", "anNpZ25lcmtleQ==", "Bw==", "8", "10", "@"], "QdnfiVnPQcmbzw=="]"#,
        ),
    ] {
        let user = imported(&admin, algorithm, digest).await;
        let path = format!("/api/users/{}", text(&user, "/id"));
        let verify = format!("{path}/password/verify");
        admin.post(&verify, json!({ "password": PASSWORD })).await.expect(204);
        admin.post(&verify, json!({ "password": "correct hors" })).await.expect(422);
        admin.delete(&path).await.expect(204);
    }
}

#[tokio::test]
async fn a_digest_that_is_none_is_refused_where_it_is_brought() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (algorithm, digest, code) in [
        ("MD5", "x", "guard.invalid_input"),
        ("Bcrypt", SHA256, "guard.invalid_input"),
        ("Legacy", "[]", "password.invalid_legacy_password_format"),
        ("Legacy", r#"["rot13", ["@"], "aa"]"#, "password.unsupported_legacy_hash_algorithm"),
    ] {
        let body = json!({ "passwordAlgorithm": algorithm, "passwordDigest": digest });
        let refused = admin.post("/api/users", body).await.expect(400).json();
        assert_eq!(text(&refused, "/code"), code, "{algorithm} {digest}");
    }
    assert_eq!(admin.get("/api/users").await.header("total-number"), "0");
}

#[tokio::test]
async fn a_user_without_a_password_has_no_hash_to_show() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = admin.create("/api/users", json!({ "username": "ana" })).await;
    let path = format!("/api/users/{}", text(&user, "/id"));
    let shown = admin.get(&format!("{path}?includePasswordHash=yes")).await.expect(200).json();
    assert_eq!(
        (shown.get("passwordDigest"), shown.get("passwordAlgorithm")),
        (Some(&Value::Null), Some(&Value::Null))
    );
    let plain = admin.get(&path).await.expect(200).json();
    assert_eq!(plain.get("passwordDigest"), None);
}
