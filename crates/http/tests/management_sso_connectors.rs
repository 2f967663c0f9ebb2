//! `/api/sso-connector-providers` and `/api/sso-connectors`, at the door.

#![allow(clippy::needless_pass_by_value, reason = "a body is written where it is sent")]

mod peer;

use peer::Peer;
use serde_json::{Value, json};
use trinco_testkit::{Admin, Answer, Server, text};

const CONNECTORS: &str = "/api/sso-connectors";

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

fn connector(name: &str, provider: &str, config: Value) -> Value {
    json!({ "connectorName": name, "providerName": provider, "config": config })
}

async fn create(admin: &Admin, body: Value) -> String {
    text(&admin.create(CONNECTORS, body).await, "/id").to_owned()
}

fn metadata() -> String {
    r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example/saml">
        <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
            <KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>AQID
            BAUG</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
            <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>
        </IDPSSODescriptor>
    </EntityDescriptor>"#
        .to_owned()
}

#[tokio::test]
async fn the_providers_are_listed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let listed = admin.get("/api/sso-connector-providers").await.expect(200).json();
    let names: Vec<&str> =
        listed.as_array().expect("a list").iter().map(|one| text(one, "/providerName")).collect();
    assert_eq!(names, ["OIDC", "SAML", "AzureAD", "GoogleWorkspace", "Okta", "AzureAdOidc"]);
}

#[tokio::test]
async fn a_connector_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let mut body = connector(
        "Acme",
        "Okta",
        json!({ "clientId": "a", "clientSecret": "b", "issuer": "https://acme.example" }),
    );
    body["domains"] = json!(["Acme.example", "acme.example.org"]);
    body["branding"] = json!({ "displayName": "Acme Inc." });
    let created = admin.create(CONNECTORS, body.clone()).await;
    let path = format!("{CONNECTORS}/{}", text(&created, "/id"));
    assert_eq!(created["domains"], json!(["acme.example", "acme.example.org"]));
    assert_eq!(
        (&created["syncProfile"], &created["enableTokenStorage"]),
        (&json!(false), &json!(false))
    );
    let read = admin.get(&path).await.expect(200).json();
    assert_eq!((&read["name"], &read["providerType"]), (&json!("Okta"), &json!("oidc")));
    assert_eq!(
        (&read["config"]["clientSecret"], &read["tenantId"]),
        (&json!("b"), &json!("default"))
    );
    assert_eq!(read.get("providerConfig"), None, "it cannot be reached");

    assert_eq!(
        code(admin.post(CONNECTORS, body).await, 409),
        "single_sign_on.duplicate_connector_name"
    );
    let changes = json!({ "connectorName": "Acme Corp", "domains": ["acme.example.org", "acme.example.net"], "syncProfile": true });
    let changed = admin.patch(&path, changes).await.expect(200).json();
    assert_eq!(changed["domains"], json!(["acme.example.org", "acme.example.net"]));
    assert_eq!(
        (&changed["connectorName"], &changed["branding"]["displayName"]),
        (&json!("Acme Corp"), &json!("Acme Inc."))
    );
    let other = create(&admin, connector("Other", "OIDC", json!({}))).await;
    let listed = admin.get(CONNECTORS).await.expect(200);
    assert_eq!(listed.header("total-number"), "2");
    let renamed = admin
        .patch(&format!("{CONNECTORS}/{other}"), json!({ "connectorName": "Acme Corp" }))
        .await;
    assert_eq!(code(renamed, 409), "single_sign_on.duplicate_connector_name");
    admin.delete(&path).await.expect(204);
    for gone in
        [admin.get(&path).await, admin.delete(&path).await, admin.patch(&path, json!({})).await]
    {
        assert_eq!(code(gone, 404), "entity.not_exists_with_id");
    }
    admin
        .patch(&format!("{CONNECTORS}/{other}"), json!({ "domains": ["acme.example.org"] }))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_domain_is_one_connectors_and_no_public_mail_hosts() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let with = |name: &str, domains: Value| {
        let mut body = connector(name, "OIDC", json!({}));
        body["domains"] = domains;
        body
    };
    create(&admin, with("One", json!(["one.example"]))).await;
    let two = create(&admin, with("Two", json!(["two.example"]))).await;
    let taken = admin
        .post(CONNECTORS, with("Three", json!(["three.example", "ONE.example"])))
        .await
        .expect(422)
        .json();
    assert_eq!(taken["code"], "single_sign_on.duplicated_domains");
    assert_eq!(taken["data"], json!({ "data": ["one.example"] }));
    assert_eq!(
        admin.get(CONNECTORS).await.expect(200).header("total-number"),
        "2",
        "nothing is kept of it"
    );
    let path = format!("{CONNECTORS}/{two}");
    let taken = admin.patch(&path, json!({ "domains": ["one.example"] })).await;
    assert_eq!(code(taken, 422), "single_sign_on.duplicated_domains");
    assert_eq!(admin.get(&path).await.expect(200).json()["domains"], json!(["two.example"]));
    let public = admin.post(CONNECTORS, with("Three", json!(["gmail.com"]))).await;
    assert_eq!(code(public, 422), "single_sign_on.forbidden_domains");
    let wrong = admin.post(CONNECTORS, with("Three", json!(["a b"]))).await;
    assert_eq!(code(wrong, 400), "guard.invalid_input");
}

#[tokio::test]
async fn what_an_openid_provider_says_of_itself_is_shown() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let peer = Peer::start().await;
    let discovery = json!({
        "issuer": peer.url(""), "authorization_endpoint": "https://idp.example/authorize",
        "token_endpoint": "https://idp.example/token", "jwks_uri": "https://idp.example/jwks",
    });
    peer.say("/.well-known/openid-configuration", 200, discovery.to_string());
    let config =
        json!({ "clientId": "a", "clientSecret": "b", "issuer": peer.url("/"), "scope": "email" });
    let id = create(&admin, connector("Acme", "OIDC", config)).await;
    let path = format!("{CONNECTORS}/{id}");
    let shown = admin.get(&path).await.expect(200).json();
    assert_eq!(
        shown["providerConfig"],
        json!({
            "issuer": peer.url(""), "authorizationEndpoint": "https://idp.example/authorize",
            "tokenEndpoint": "https://idp.example/token", "jwksUri": "https://idp.example/jwks", "scope": "openid email",
        })
    );
    let listed = admin.get(CONNECTORS).await.expect(200).json();
    assert_eq!(listed[0]["providerConfig"], shown["providerConfig"]);
    peer.say("/.well-known/openid-configuration", 200, "<html>");
    assert_eq!(admin.get(&path).await.expect(200).json().get("providerConfig"), None);
    peer.say("/.well-known/openid-configuration", 404, discovery.to_string());
    assert_eq!(admin.get(&path).await.expect(200).json().get("providerConfig"), None);
}

#[tokio::test]
async fn both_sides_of_a_connection_by_saml_are_shown() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let peer = Peer::start().await;
    peer.say("/metadata", 200, metadata());
    let provider = json!({
        "entityId": "https://idp.example/saml", "signInEndpoint": "https://idp.example/sso",
        "x509Certificate": "AQIDBAUG", "wantAuthnRequestsSigned": false,
    });
    for (name, config) in [
        ("Inline", json!({ "metadata": metadata() })),
        ("Fetched", json!({ "metadataUrl": peer.url("/metadata") })),
        (
            "By hand",
            json!({
                "entityId": "https://idp.example/saml", "signInEndpoint": "https://idp.example/sso",
                "x509Certificate": "-----BEGIN CERTIFICATE-----\nAQID\nBAUG\n-----END CERTIFICATE-----\n",
            }),
        ),
    ] {
        let id = create(&admin, connector(name, "SAML", config)).await;
        let shown = admin.get(&format!("{CONNECTORS}/{id}")).await.expect(200).json();
        assert_eq!(shown["providerConfig"]["identityProvider"], provider, "{name}");
        assert_eq!(
            shown["providerConfig"]["serviceProvider"],
            json!({
                "entityId": format!("{}/enterprise-sso/{id}", server.base()),
                "assertionConsumerServiceUrl": format!("{}/api/authn/single-sign-on/saml/{id}", server.base()),
            })
        );
    }
    let empty = create(&admin, connector("Empty", "AzureAD", json!({}))).await;
    let shown = admin.get(&format!("{CONNECTORS}/{empty}")).await.expect(200).json();
    assert_eq!(shown["providerConfig"].get("identityProvider"), None);
    assert_eq!(shown["providerType"], "saml");
}

#[tokio::test]
async fn what_is_wrong_with_a_configuration_is_named() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (provider, config, path) in [
        ("OIDC", json!({ "issuer": "acme" }), "config.issuer"),
        ("OIDC", json!({ "clientId": 1 }), "config.clientId"),
        ("Okta", json!({ "trustUnverifiedEmail": "yes" }), "config.trustUnverifiedEmail"),
        ("SAML", json!({ "metadata": "<a/>" }), "config.metadata"),
        (
            "SAML",
            json!({ "metadata": "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>" }),
            "config.metadata",
        ),
        ("SAML", json!({ "metadataUrl": "ftp://idp.example" }), "config.metadataUrl"),
        ("AzureAD", json!({ "attributeMapping": { "id": 1 } }), "config.attributeMapping"),
        (
            "SAML",
            json!({ "requestSignatureAlgorithm": "http://www.w3.org/2000/09/xmldsig#rsa-sha1" }),
            "config.requestSignatureAlgorithm",
        ),
    ] {
        let refused = admin
            .post(CONNECTORS, connector("Acme", provider, config.clone()))
            .await
            .expect(400)
            .json();
        assert_eq!(refused["code"], "connector.invalid_config", "{config}");
        assert!(text(&refused, "/message").contains(path), "{refused}");
    }
    let unknown = admin.post(CONNECTORS, connector("Acme", "Nobody", json!({}))).await;
    assert_eq!(code(unknown, 422), "connector.not_found_with_connector_id");
    let mut tokens = connector("Acme", "SAML", json!({}));
    tokens["enableTokenStorage"] = json!(true);
    assert_eq!(
        code(admin.post(CONNECTORS, tokens).await, 422),
        "connector.token_storage_not_supported"
    );
}

#[tokio::test]
async fn a_key_is_staged_then_signs_and_is_replaced() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = create(&admin, connector("Acme", "SAML", json!({ "metadata": metadata() }))).await;
    let connector_path = format!("{CONNECTORS}/{id}");
    let path = format!("{connector_path}/signing-keys");
    let signs = json!({ "config": { "metadata": metadata(), "signAuthnRequest": true } });
    let refused = admin.patch(&connector_path, signs.clone()).await;
    assert_eq!(code(refused, 400), "single_sign_on.active_signing_key_required");

    let first = admin.post(&path, json!({ "active": false })).await.expect(201).json();
    assert_eq!(first["active"], false);
    assert!(text(&first, "/certificate").starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert_eq!(first.get("privateKey"), None);
    let (formatted, unformatted) = (
        text(&first, "/fingerprints/sha256/formatted"),
        text(&first, "/fingerprints/sha256/unformatted"),
    );
    assert_eq!((formatted.len(), formatted.replace(':', "").as_str()), (95, unformatted));
    let first_path = format!("{path}/{}", text(&first, "/id"));
    let activated = admin.patch(&first_path, json!({ "active": true })).await.expect(200).json();
    assert_eq!(
        (&activated["active"], &activated["certificate"]),
        (&json!(true), &first["certificate"])
    );
    admin.patch(&connector_path, signs).await.expect(200);
    let refused = admin.patch(&first_path, json!({ "active": false })).await;
    assert_eq!(code(refused, 400), "single_sign_on.can_not_deactivate_signing_key_in_use");
    assert_eq!(
        code(admin.delete(&first_path).await, 400),
        "single_sign_on.can_not_delete_active_signing_key"
    );

    let second = admin.post(&path, json!({ "active": true })).await.expect(201).json();
    let listed = admin.get(&path).await.expect(200).json();
    let active: Vec<&Value> = listed
        .as_array()
        .expect("a list")
        .iter()
        .filter(|key| key["active"] == true)
        .map(|key| &key["id"])
        .collect();
    assert_eq!((listed.as_array().expect("a list").len(), active), (2, vec![&second["id"]]));
    admin.delete(&first_path).await.expect(204);
    for gone in
        [admin.delete(&first_path).await, admin.patch(&first_path, json!({ "active": true })).await]
    {
        assert_eq!(code(gone, 404), "entity.not_exists_with_id");
    }
    admin.patch(&connector_path, json!({ "config": { "metadata": metadata() } })).await.expect(200);
    let second_path = format!("{path}/{}", text(&second, "/id"));
    admin.patch(&second_path, json!({ "active": false })).await.expect(200);
    admin.delete(&second_path).await.expect(204);
    assert_eq!(admin.get(&path).await.expect(200).json(), json!([]));

    let oidc = create(&admin, connector("Other", "OIDC", json!({}))).await;
    let wrong =
        admin.post(&format!("{CONNECTORS}/{oidc}/signing-keys"), json!({ "active": true })).await;
    assert_eq!(code(wrong, 404), "entity.not_exists_with_id");
}

#[tokio::test]
async fn a_private_key_is_sealed_and_its_certificate_is_signed_with_it() {
    let server = Server::start_at_system_time().await;
    let admin = server.admin().await;
    let id = create(&admin, connector("Acme", "SAML", json!({}))).await;
    let path = format!("{CONNECTORS}/{id}/signing-keys");
    let key = admin.post(&path, json!({ "active": true })).await.expect(201).json();
    let years = (key["expiresAt"].as_i64().expect("a time")
        - key["createdAt"].as_i64().expect("a time"))
        / (365 * 86_400_000);
    assert_eq!(years, 3);
    let mut conn = server.tenant().read().await.expect("a connection");
    let statement =
        trinco_db::sql!("SELECT private_key FROM sso_signing_keys WHERE tenant_id = $1");
    let kept: String = conn.one(statement, &[]).await.expect("a row").get(0).expect("a text");
    let place = ["default", "sso_signing_keys", &id, text(&key, "/id")];
    let opened = server.tenant().sealer().open(&place, &kept).expect("it opens in its place");
    let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(&opened).expect("an RSA key");
    let public = aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref().to_vec();
    let base64: String =
        text(&key, "/certificate").lines().filter(|line| !line.starts_with("-----")).collect();
    let der =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64).expect("PEM");
    assert!(der.windows(public.len()).any(|part| part == public), "the certificate is of the key");
}
