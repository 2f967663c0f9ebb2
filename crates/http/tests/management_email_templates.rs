//! `/api/email-templates`, at the door, and what e-mail says because of them.

#![allow(clippy::needless_pass_by_value, reason = "a body is written where it is sent")]

mod peer;

use peer::Peer;
use serde_json::{Value, json};
use trinco_core::messages::{self, Message, MessageType, Recipient};
use trinco_testkit::{Admin, Answer, Server, text};

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

fn template(language: &str, kind: &str, subject: &str) -> Value {
    json!({
        "languageTag": language, "templateType": kind,
        "details": { "subject": subject, "content": "<p>{{code}} {{user.name}}</p>" },
    })
}

async fn put(admin: &Admin, templates: Value) -> Value {
    admin.put("/api/email-templates", json!({ "templates": templates })).await.expect(200).json()
}

#[tokio::test]
async fn templates_are_put_listed_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let made = put(
        &admin,
        json!([
            template("en", "SignIn", "A"),
            template("pt-BR", "SignIn", "B"),
            template("en", "Generic", "C")
        ]),
    )
    .await;
    assert_eq!(made.as_array().expect("a list").len(), 3);
    let again = put(&admin, json!([template("en", "SignIn", "D")])).await;
    assert_eq!(again[0]["id"], made[0]["id"], "what stands there keeps its id");
    assert_eq!(again[0]["details"]["subject"], "D");
    let count = |answer: Answer| answer.expect(200).json().as_array().expect("a list").len();
    assert_eq!(count(admin.get("/api/email-templates").await), 3);
    assert_eq!(count(admin.get("/api/email-templates?languageTag=en").await), 2);
    assert_eq!(count(admin.get("/api/email-templates?templateType=SignIn").await), 2);
    assert_eq!(count(admin.get("/api/email-templates?languageTag=fr").await), 0);
    assert_eq!(
        code(admin.get("/api/email-templates?templateType=x").await, 400),
        "guard.invalid_input"
    );

    let path = format!("/api/email-templates/{}", text(&made[1], "/id"));
    let changes = json!({ "contentType": "text/plain", "replyTo": "help@example.com" });
    let changed = admin.patch(&format!("{path}/details"), changes).await.expect(200).json();
    assert_eq!(
        changed["details"],
        json!({
            "subject": "B", "content": "<p>{{code}} {{user.name}}</p>", "contentType": "text/plain", "replyTo": "help@example.com",
        })
    );
    assert_eq!(admin.get(&path).await.expect(200).json(), changed);
    admin.delete(&path).await.expect(204);
    for gone in [
        admin.get(&path).await,
        admin.delete(&path).await,
        admin.patch(&format!("{path}/details"), json!({})).await,
    ] {
        assert_eq!(code(gone, 404), "entity.not_exists_with_id");
    }
    assert_eq!(
        code(admin.delete("/api/email-templates").await, 422),
        "connector.email_connector.bulk_deletion_no_filter"
    );
    let deleted = admin.delete("/api/email-templates?languageTag=en").await.expect(200).json();
    assert_eq!(deleted, json!({ "rowCount": 2 }));
}

#[tokio::test]
async fn what_is_no_template_is_refused_whole() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (wrong, path) in [
        (json!({ "templates": [template("en", "Nothing", "A")] }), "templates[0].templateType"),
        (json!({ "templates": [template("", "SignIn", "A")] }), "templates[0].languageTag"),
        (
            json!({ "templates": [template("en", "SignIn", "A"), { "languageTag": "en", "templateType": "SignIn" }] }),
            "templates[1]",
        ),
        (json!({}), ""),
    ] {
        let refused = admin.put("/api/email-templates", wrong).await.expect(400).json();
        assert_eq!(refused["code"], "guard.invalid_input");
        assert!(text(&refused, "/message").contains(path), "{refused}");
    }
    assert_eq!(admin.get("/api/email-templates").await.expect(200).json(), json!([]));
}

/// The subject, the sender and the text that reach a mail service.
async fn sent(
    server: &Server,
    peer: &Peer,
    kind: MessageType,
    locale: Option<&str>,
) -> (Value, Value, Value) {
    let payload = json!({ "code": "123456", "user": { "name": "<Ana>" } });
    let message = Message {
        to: Recipient::Email("ana@example.com".to_owned()),
        message_type: kind,
        payload: payload.as_object().expect("an object").clone(),
        locale: locale.map(str::to_owned),
    };
    messages::send(server.tenant(), message).await.expect("it is sent");
    let asked = String::from_utf8(peer.last().body.to_vec()).expect("a form");
    let fields: std::collections::HashMap<String, String> =
        form_urlencoded::parse(asked.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.get(name).map_or(Value::Null, |value| json!(value));
    (field("subject"), field("from"), field("html"))
}

#[tokio::test]
async fn e_mail_says_what_the_best_template_says() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let peer = Peer::start().await;
    let mailgun = json!({ "connectorId": "mailgun-email", "config": {
        "endpoint": peer.url(""), "domain": "m.example", "apiKey": "k", "from": "Shop <shop@m.example>",
        "deliveries": { "Generic": { "subject": "own {{code}}", "html": "<i>{{code}}</i>" } },
    } });
    admin.create("/api/connectors", mailgun).await;
    let (subject, from, html) = sent(&server, &peer, MessageType::SignIn, None).await;
    assert_eq!((subject, from), (json!("own 123456"), json!("Shop <shop@m.example>")));
    assert_eq!(html, "<i>123456</i>", "without templates the connector's own is sent");

    put(
        &admin,
        json!([
            template("pt", "SignIn", "pt SignIn"),
            template("en", "SignIn", "en SignIn {{code}}"),
            template("de", "Generic", "de Generic"),
            template("en", "Generic", "en Generic"),
        ]),
    )
    .await;
    for (kind, locale, expected) in [
        (MessageType::SignIn, Some("pt-BR"), "pt SignIn"),
        (MessageType::SignIn, Some("fr"), "en SignIn 123456"),
        (MessageType::SignIn, None, "en SignIn 123456"),
        (MessageType::SignIn, Some("de"), "en SignIn 123456"),
        (MessageType::BindMfa, Some("de"), "de Generic"),
        (MessageType::BindMfa, Some("pt-BR"), "en Generic"),
    ] {
        let (subject, _, html) = sent(&server, &peer, kind, locale).await;
        assert_eq!(subject, expected, "{kind:?} {locale:?}");
        assert_eq!(html, "<p>123456 &lt;Ana&gt;</p>", "values bring no markup");
    }
}
