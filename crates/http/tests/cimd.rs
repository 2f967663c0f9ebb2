//! Clients that are known by a metadata document at the URL that is their `client_id`, at the door.

mod agent;
mod guest;

use agent::{Page, Site, authorize, refusal, scope_id, world_of_agents};
use guest::{answer, arrive};
use serde_json::{Value, json};
use trinco_jose::{Algorithm, SigningKey};
use trinco_testkit::{API, Answer, Method, REDIRECT_URI, Tokens, World, query_of, text};

const SCOPE: &str = "openid offline_access profile read:orders";

/// Signs in, allows what is asked for, and exchanges the code.
async fn tokens_of(world: &World, client_id: &str) -> Tokens {
    let browser = world.server.browser();
    let url = world.server.authorization_url(client_id, SCOPE, &[("resource", API)]);
    let page = arrive(&browser, &url).await;
    assert!(page.contains("/consent?app_id="), "{page}");
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let code = query_of(&target).remove("code").unwrap_or_else(|| panic!("no code: {target}"));
    Tokens(world.server.exchange((client_id, ""), &code).await.expect(200).json())
}

#[tokio::test]
async fn a_client_known_by_its_document_signs_in_refreshes_and_takes_its_tokens_back() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let client = site.publish("/client.json", &site.document("/client.json"));
    let tokens = tokens_of(&world, &client).await;
    let claims = Tokens::claims(tokens.id());
    assert_eq!(claims["aud"], client.as_str());
    assert_eq!(claims["sub"], world.user_id.as_str());

    let more = [("resource", API)];
    let refreshed = world.refresh((&client, ""), tokens.refresh(), &more).await.expect(200).json();
    let access = Tokens::claims(text(&refreshed, "/access_token"));
    assert_eq!((&access["aud"], &access["scope"]), (&json!(API), &json!("read:orders")));
    assert_eq!(access["client_id"], client.as_str());
    let newest = text(&refreshed, "/refresh_token");
    assert_ne!(newest, tokens.refresh(), "a public client's token rotates");

    let path = "/oidc/token/introspection";
    let form = [("token", newest)];
    let live = world.server.post_as((&client, ""), path, &form).await.expect(200).json();
    assert_eq!((&live["active"], &live["client_id"]), (&json!(true), &json!(client)));
    world.server.post_as((&client, ""), "/oidc/token/revocation", &form).await.expect(200);
    let gone = world.server.post_as((&client, ""), path, &form).await.expect(200).json();
    assert_eq!(gone["active"], false);
    assert_eq!(site.requests("/client.json"), 1, "the document was fetched once for all that");
}

#[tokio::test]
async fn a_script_is_told_of_a_client_known_by_its_document() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let script = "const getCustomJwtClaims = ({ context: { application } }) =>
        ({ app: { id: application.id, isThirdParty: application.isThirdParty } });";
    let path = "/api/configs/jwt-customizer/access-token";
    let kept = world.admin.put(path, json!({ "script": script })).await;
    assert!(kept.status.is_success(), "{}", kept.text);
    let client = site.publish("/client.json", &site.document("/client.json"));
    let tokens = tokens_of(&world, &client).await;
    let more = [("resource", API)];
    let refreshed = world.refresh((&client, ""), tokens.refresh(), &more).await.expect(200).json();
    let claims = Tokens::claims(Tokens(refreshed).access());
    assert_eq!(claims["app"], json!({ "id": client, "isThirdParty": true }));
}

#[tokio::test]
async fn the_consent_page_names_the_host_and_is_shown_every_time() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let mut document = site.document("/client.json");
    document["client_name"] = json!("Your Bank <b>");
    let client = site.publish("/client.json", &document);
    let browser = world.server.browser();
    let quiet = [("prompt", "")];
    let url = world.server.authorization_url(&client, "openid profile", &quiet);
    let page = browser.get(&url).await.location().to_owned();
    let shown = browser.get(&page).await.expect(200).text;
    assert!(shown.contains("to continue to <strong>127.0.0.1:"), "{shown}");
    assert!(!shown.contains("Your Bank"), "whoever types a password reads no claims: {shown}");
    for _ in 0..2 {
        let url = world.server.authorization_url(&client, "openid profile", &quiet);
        let page = arrive(&browser, &url).await;
        assert!(page.contains("/consent?"), "{page}");
        let shown = browser.get(&page).await.expect(200).text;
        let host = site.base.strip_prefix("http://").unwrap();
        let sentence = format!("all that is certain is that {host} describes it");
        assert!(shown.contains(&sentence) && !shown.contains("<b>"), "{shown}");
        assert!(shown.contains("your name, username") && !shown.contains("asks for more"));
        assert!(shown.contains("You go on to localhost:9999."), "{shown}");
        assert!(!shown.contains("logo.png"), "a stranger's picture is not loaded");
        answer(&browser, &page, "allow", &[]).await.location();
    }
    let silent = world.server.authorization_url(&client, "openid", &[("prompt", "none")]);
    let query = query_of(browser.get(&silent).await.location());
    assert_eq!(query["error"], "consent_required");

    let page = arrive(&browser, &world.server.authorization_url(&client, "openid", &quiet)).await;
    let query = query_of(answer(&browser, &page, "deny", &[]).await.location());
    assert_eq!(query["error"], "access_denied");
    let other = [("prompt", ""), ("ui_locales", "pt-BR")];
    let page = arrive(&browser, &world.server.authorization_url(&client, "openid", &other)).await;
    assert!(browser.get(&page).await.text.contains("não está registrado aqui"));
}

#[tokio::test]
async fn the_switch_is_off_at_first_and_turning_it_off_shuts_everyone_out() {
    let (world, site) = (World::start().await, Site::start().await);
    let client = site.publish("/client.json", &site.document("/client.json"));
    let discovery = async || {
        let request = world
            .server
            .browser()
            .request(Method::GET, "/.well-known/oauth-authorization-server/oidc");
        Answer::to(request).await.expect(200).json()
    };
    let off = world.admin.get("/api/configs/cimd").await.expect(200).json();
    assert_eq!(off, json!({ "enabled": false }));
    assert!(discovery().await.get("client_id_metadata_document_supported").is_none());
    assert_eq!(refusal(&world, &client).await.0, "invalid_client");
    assert_eq!(site.requests("/client.json"), 0, "nothing is fetched");

    let on = world.admin.patch("/api/configs/cimd", json!({ "enabled": true })).await.expect(200);
    assert_eq!(on.json(), json!({ "enabled": true }));
    world.admin.patch("/api/configs/cimd", json!({})).await.expect(200);
    world.admin.patch("/api/configs/cimd", json!({ "enabled": "yes" })).await.expect(400);
    assert_eq!(discovery().await["client_id_metadata_document_supported"], true);
    let scopes = json!({ "resourceScopes": [scope_id(&world, "read:orders").await] });
    world.admin.post("/api/cimd/user-consent-scopes", scopes).await.expect(201);
    let tokens = tokens_of(&world, &client).await;
    let userinfo = async || {
        let request = world.server.browser().request(Method::GET, "/oidc/me");
        Answer::to(request.bearer_auth(tokens.access())).await
    };
    userinfo().await.expect(200);

    world.admin.patch("/api/configs/cimd", json!({ "enabled": false })).await.expect(200);
    userinfo().await.expect(401);
    let refused = world.refresh((&client, ""), tokens.refresh(), &[]).await.expect(401).json();
    assert_eq!(refused["error"], "invalid_client");
    assert_eq!(refusal(&world, &client).await.0, "invalid_client");
}

#[tokio::test]
async fn no_client_may_ask_for_more_than_the_tenants_list() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let mut document = site.document("/client.json");
    document["scope"] = json!("openid profile email read:orders write:orders all");
    let client = site.publish("/client.json", &document);
    let path = "/api/cimd/user-consent-scopes";
    let listed = world.admin.get(path).await.expect(200).json();
    assert_eq!(listed["userScopes"], json!(["profile"]));
    assert_eq!(listed["resourceScopes"][0]["scopes"][0]["name"], "read:orders");

    let browser = world.server.browser();
    let scope = "openid offline_access profile email read:orders write:orders all";
    let management = "https://default.logto.app/api";
    let more = [("resource", API), ("resource", management)];
    let url = world.server.authorization_url(&client, scope, &more);
    let request = browser.request(Method::GET, &url);
    assert_eq!(Answer::to(request).await.expect(400).json()["error"], "invalid_target");
    let url = world.server.authorization_url(&client, scope, &more[..1]);
    let page = arrive(&browser, &url).await;
    let shown = browser.get(&page).await.expect(200).text;
    assert!(shown.contains("read:orders") && !shown.contains("write:orders"), "{shown}");
    assert!(!shown.contains("email address") && !shown.contains("Management"), "{shown}");
    let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
    let tokens = world.server.exchange((&client, ""), &query_of(&target)["code"]).await;
    let tokens = Tokens(tokens.expect(200).json());
    let on = async |resource: &str| {
        let more = [("resource", resource)];
        world.refresh((&client, ""), tokens.refresh(), &more).await
    };
    assert_eq!(on(API).await.expect(200).json()["scope"], "read:orders");
    assert_eq!(on(management).await.expect(400).json()["error"], "invalid_target");

    // Taking a scope off the list narrows what was granted before.
    let read = scope_id(&world, "read:orders").await;
    world.admin.delete(&format!("{path}/resource-scopes/{read}")).await.expect(204);
    world.admin.delete(&format!("{path}/resource-scopes/{read}")).await.expect(404);
    world.admin.delete(&format!("{path}/user-scopes/profile")).await.expect(204);
    world.admin.delete(&format!("{path}/nonsense/profile")).await.expect(400);
    assert_eq!(on(API).await.expect(400).json()["error"], "invalid_target");

    let refused = async |body: Value, status| {
        text(&world.admin.post(path, body).await.expect(status).json(), "/code").to_owned()
    };
    let unknown = refused(json!({ "resourceScopes": ["nowhere"] }), 422).await;
    assert_eq!(unknown, "application.user_consent_scopes_not_found");
    let management = refused(json!({ "resourceScopes": ["management-api-all"] }), 422).await;
    assert_eq!(management, "application.consent_management_api_scopes_not_allowed");
    assert_eq!(refused(json!({ "userScopes": ["openid"] }), 400).await, "guard.invalid_input");
}

#[tokio::test]
async fn a_client_with_keys_authenticates_with_them_and_nothing_less() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let key = SigningKey::generate(Algorithm::ES256).expect("a key");
    let keys = json!({ "keys": [key.public_jwk()] });
    let mut inline = site.document("/inline.json");
    inline["token_endpoint_auth_method"] = json!("private_key_jwt");
    inline["jwks"] = keys.clone();
    let mut linked = site.document("/linked.json");
    linked["token_endpoint_auth_method"] = json!("private_key_jwt");
    linked["jwks_uri"] = json!(site.url("/keys.json"));
    site.put("/keys.json", Page::json(&keys));
    for client in [site.publish("/inline.json", &inline), site.publish("/linked.json", &linked)] {
        let browser = world.server.browser();
        let page = arrive(&browser, &world.server.authorization_url(&client, "openid", &[])).await;
        let target = answer(&browser, &page, "allow", &[]).await.location().to_owned();
        let code = query_of(&target).remove("code").expect("a code");
        world.server.exchange((&client, ""), &code).await.expect(401);
        world.server.exchange((&client, "secret"), &code).await.expect(401);

        let now = world.server.clock().now();
        let claims = json!({
            "iss": client, "sub": client, "aud": world.server.issuer(), "jti": client, "iat": now, "exp": now + 60,
        });
        let assertion = key.sign_jwt(Some("JWT"), &claims).expect("it signs");
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.as_str()),
        ];
        let request = world.server.browser().request(Method::POST, "/oidc/token").form(&form);
        Answer::to(request).await.expect(200);
    }
    assert_eq!(site.requests("/keys.json"), 1);
}

#[tokio::test]
async fn a_user_who_registers_through_such_a_client_is_marked_with_its_url() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let client = site.publish("/client.json", &site.document("/client.json"));
    let browser = world.server.browser();
    let more = [("first_screen", "register")];
    let url = world.server.authorization_url(&client, "openid", &more);
    let page = browser.get(&url).await.location().to_owned();
    assert!(page.contains("/register?app_id="), "{page}");
    let xsrf = trinco_testkit::hidden(&browser.get(&page).await.expect(200).text, "xsrf");
    let form =
        [("xsrf", xsrf.as_str()), ("identifier", "carol"), ("password", "a long password 1")];
    browser.submit(&page, &form).await.location();
    let users = world.admin.get("/api/users?search=%25carol%25").await.expect(200).json();
    assert_eq!(users[0]["cimdClientId"], client.as_str());
    assert_eq!(users[0]["applicationId"], Value::Null);
}

#[tokio::test]
async fn what_such_clients_leave_behind_is_no_application_and_goes_away() {
    let (world, site) = (world_of_agents().await, Site::start().await);
    let client = site.publish("/client.json", &site.document("/client.json"));
    let idle = site.publish("/idle.json", &site.document("/idle.json"));
    let tokens = tokens_of(&world, &client).await;
    assert!(authorize(&world, &idle).await.status.is_redirection());
    let all = world.admin.get("/api/applications").await.expect(200).json();
    let names: Vec<&Value> = all.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert!(!names.contains(&&json!("Helpful Agent")), "{names:?}");
    let encoded: String = form_urlencoded::byte_serialize(client.as_bytes()).collect();
    for path in ["", "/secrets", "/user-consent-scopes"] {
        world.admin.get(&format!("/api/applications/{encoded}{path}")).await.expect(404);
    }
    world.admin.delete(&format!("/api/applications/{encoded}")).await.expect(404);
    let role = json!({ "enabled": true });
    world.admin.patch(&format!("/api/applications/{encoded}"), role).await.expect(404);

    let tenant = world.server.tenant();
    let sweep = async || {
        trinco_core::retention::sweep(tenant, &trinco_core::retention::Policy::default(), 100)
            .await
            .expect("it sweeps")
    };
    assert_eq!(sweep().await, 0);
    world.server.clock().advance(2 * 86_400);
    sweep().await;
    world.refresh((&client, ""), tokens.refresh(), &[]).await.expect(200);
    let rows = trinco_core::clients::seen(tenant).await.expect("they are counted");
    assert_eq!(rows, 1, "the one with a grant");
    world.server.clock().advance(200 * 86_400);
    while sweep().await > 0 {}
    assert_eq!(trinco_core::clients::seen(tenant).await.expect("they are counted"), 0);
}
