//! The API reference, at the door.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use trinco_testkit::{Answer, Method, Server, text};

const ROOT: &str = "/api/reference";
/// No page is longer: bytes.
const LONGEST: usize = 400 * 1000;

/// The values of an attribute.
fn values<'h>(html: &'h str, attribute: &str) -> Vec<&'h str> {
    let begin = format!(" {attribute}=\"");
    html.split(&begin).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect()
}

/// Every page by its path: those that the overview leads to, and so on.
async fn pages(server: &Server) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut next = vec![ROOT.to_owned()];
    while let Some(path) = next.pop() {
        if found.contains_key(&path) {
            continue;
        }
        let page = server.browser().get(&path).await.expect(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        let html = page.text;
        let links = values(&html, "href").into_iter().filter(|link| link.starts_with(ROOT));
        next.extend(links.map(|link| link.split('#').next().unwrap_or_default().to_owned()));
        found.insert(path, html);
    }
    found
}

async fn document(server: &Server) -> Value {
    server.browser().get("/api/swagger.json").await.expect(200).json()
}

#[tokio::test]
async fn every_operation_is_on_exactly_one_page() {
    let server = Server::start().await;
    let pages = pages(&server).await;
    let document = document(&server).await;
    let of_methods = |methods: &Value| methods.as_object().expect("methods").clone();
    let paths = document["paths"].as_object().expect("paths").values();
    let operations: Vec<Value> =
        paths.flat_map(|methods| of_methods(methods).into_values()).collect();
    assert!(operations.len() > 140, "only {}", operations.len());
    for operation in operations {
        let id = operation["operationId"].as_str().expect("an id");
        let place = format!("<section class=\"operation\" id=\"{id}\"");
        let holding: Vec<&String> =
            pages.iter().filter(|(_, html)| html.contains(&place)).map(|(path, _)| path).collect();
        assert_eq!(holding.len(), 1, "{id} is on {holding:?}");
        // It is found from the overview.
        let link = format!("{}#{id}\"", holding[0]);
        assert!(pages[ROOT].contains(&link), "{id} is not on the overview");
        let summary = operation["summary"].as_str().expect("a summary");
        assert!(pages[holding[0]].contains(summary), "{summary}");
    }
    assert!(pages.len() > 10, "only {:?}", pages.keys());
}

#[tokio::test]
async fn every_link_of_a_page_leads_somewhere() {
    let server = Server::start().await;
    let pages = pages(&server).await;
    let mut elsewhere = BTreeSet::new();
    for (path, html) in &pages {
        let ids = values(html, "id");
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len(), "{path} has an id twice");
        for named in values(html, "aria-labelledby") {
            assert!(unique.contains(named), "{path}: nothing is called {named}");
        }
        for link in values(html, "href") {
            let (to, place) =
                link.split_once('#').map_or((link, None), |(to, place)| (to, Some(place)));
            let to = if to.is_empty() { path } else { to };
            match (pages.get(to), place) {
                (Some(page), Some(place)) => {
                    assert!(values(page, "id").contains(&place), "{path}: {link} leads nowhere");
                }
                (Some(_), None) => {}
                (None, _) => drop(elsewhere.insert(to.to_owned())),
            }
        }
    }
    assert!(elsewhere.iter().any(|link| link.ends_with("/api/swagger.json")), "{elsewhere:?}");
    for link in elsewhere {
        let path = link.strip_prefix(server.base()).unwrap_or(&link);
        assert!(path.starts_with('/'), "{link} is not here");
        server.browser().get(path).await.expect(200);
    }
}

#[tokio::test]
async fn no_page_is_long_or_asks_for_a_script() {
    let server = Server::start().await;
    for (path, html) in pages(&server).await {
        assert!(html.len() <= LONGEST, "{path} has {} bytes", html.len());
        assert!(html.contains("<html lang=\"en\""), "{path}");
        for nowhere in ["<script", " style=\"", " onclick", "<style"] {
            assert!(!html.contains(nowhere), "{path} has {nowhere}");
        }
    }
    let page = server.browser().get(ROOT).await.expect(200);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
    assert!(!policy.contains("script") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn a_page_that_is_known_is_not_sent_again() {
    let server = Server::start().await;
    for path in [ROOT, "/api/reference/users"] {
        let first = server.browser().get(path).await.expect(200);
        assert_eq!(first.header("cache-control"), "no-cache");
        let request = server.browser().request(Method::GET, path);
        let again = Answer::to(request.header("if-none-match", first.header("etag"))).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{path}");
        assert_eq!(again.header("etag"), first.header("etag"));
        let request = server.browser().request(Method::GET, path);
        let other = Answer::to(request.header("if-none-match", "\"another\"")).await.expect(200);
        assert_eq!(other.text, first.text);
    }
}

#[tokio::test]
async fn an_unknown_area_is_a_page_that_is_not_there() {
    let server = Server::start().await;
    for path in ["/api/reference/nothing", "/api/reference/Users", "/api/reference/%22%3E%3Cb%3E"] {
        let request = server.browser().request(Method::GET, path).header("accept", "text/html");
        let page = Answer::to(request).await.expect(404);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert!(page.text.contains("<h1>") && !page.text.contains("<b>"), "{path}");
        let request = server.browser().request(Method::GET, path);
        let told = Answer::to(request.header("accept", "application/json")).await;
        let told = told.expect(404).json();
        assert_eq!(told["code"], "entity.not_found", "{path}");
    }
}

#[tokio::test]
async fn the_document_says_where_people_read_it() {
    let server = Server::start().await;
    let document = document(&server).await;
    let url = document["externalDocs"]["url"].as_str().expect("a URL").to_owned();
    assert_eq!(url, format!("{}{ROOT}", server.base()));
    server.browser().get(url.strip_prefix(server.base()).expect("here")).await.expect(200);
}

#[tokio::test]
async fn each_tenant_has_a_reference_of_its_own() {
    let server = Server::start().await;
    let here = server.browser().get(ROOT).await.expect(200).text;
    let there = server.browser().get("/admin/api/reference").await.expect(200).text;
    assert!(here.contains(&format!("{}/oidc/token", server.base())));
    assert!(here.contains("resource=https://default.logto.app/api"));
    assert!(there.contains(&format!("{}/admin/oidc/token", server.base())));
    assert!(there.contains("resource=https://admin.logto.app/api"));
    let links = values(&there, "href");
    assert!(links.contains(&"/admin/api/reference/users"), "{links:?}");
    let users = server.browser().get("/admin/api/reference/users").await.expect(200).text;
    // Whoever changes users there changes who runs the other tenants.
    assert!(
        users.contains("Needs <code>read:users</code>")
            && !users.contains("<code>write:users</code> or")
    );
}

/// The permissions that a page names for an operation, unless it needs no token.
fn needs(html: &str, operation: &str) -> Option<BTreeSet<String>> {
    let place = format!("<section class=\"operation\" id=\"{operation}\"");
    let told =
        html.split_once(&place)?.1.split_once("<p class=\"needs\">")?.1.split_once("</p>")?.0;
    let codes = told.split("<code>").skip(1).filter_map(|rest| Some(rest.split_once("</code>")?.0));
    let needs: BTreeSet<String> = codes.map(str::to_owned).collect();
    (!needs.is_empty()).then_some(needs)
}

/// A token of each of these scopes and no other.
async fn tokens(server: &Server, scopes: &[&str]) -> BTreeMap<String, String> {
    let admin = server.admin().await;
    let all = admin.get("/api/resources/management-api/scopes?page_size=100").await.expect(200);
    let all = all.json();
    let ids: Vec<&str> =
        all.as_array().expect("a list").iter().map(|scope| text(scope, "/id")).collect();
    let role =
        json!({ "name": "Some", "description": "x", "type": "MachineToMachine", "scopeIds": ids });
    let role = admin.create("/api/roles", role).await;
    let new = json!({ "name": "Some", "type": "MachineToMachine" });
    let id = text(&admin.create("/api/applications", new).await, "/id").to_owned();
    let roles = json!({ "roleIds": [text(&role, "/id")] });
    admin.create(&format!("/api/applications/{id}/roles"), roles).await;
    let secret = admin.secret_of(&id).await;
    let mut tokens = BTreeMap::new();
    for scope in scopes {
        let form = [
            ("grant_type", "client_credentials"),
            ("resource", "https://default.logto.app/api"),
            ("scope", scope),
        ];
        let answer = server.token((&id, &secret), &form).await.expect(200).json();
        tokens.insert((*scope).to_owned(), text(&answer, "/access_token").to_owned());
    }
    tokens
}

#[tokio::test]
async fn what_a_page_says_an_operation_needs_is_what_it_needs() {
    let server = Server::start().await;
    let pages = pages(&server).await;
    let document = document(&server).await;
    let scopes =
        ["read", "read:users", "write:users", "write:applications", "write:roles", "read:logs"];
    let tokens = tokens(&server, &scopes).await;
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let part =
            |part: &str| if part.starts_with('{') { "nothing".to_owned() } else { part.to_owned() };
        let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
        for (method, operation) in methods.as_object().expect("methods") {
            let id = text(operation, "/operationId");
            let Some(needs) = pages.values().find_map(|html| needs(html, id)) else { continue };
            assert!(needs.contains("all"), "{id}: {needs:?}");
            for (scope, token) in &tokens {
                let method: Method = method.to_uppercase().parse().expect("a method");
                let request = server.browser().request(method, &path).bearer_auth(token);
                let answer = Answer::to(request).await;
                let is_refused = answer.status == 403 && answer.text.contains("auth.forbidden");
                assert_eq!(
                    !is_refused,
                    needs.contains(scope),
                    "{id} with {scope}: {}",
                    answer.text
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 800, "only {tried}");
}
