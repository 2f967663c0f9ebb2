use proptest::prelude::*;

use super::*;

fn client(application_type: ApplicationType, uris: &[&str]) -> Client {
    Client {
        redirect_uris: uris.iter().map(ToString::to_string).collect(),
        ..Client::new("c", application_type)
    }
}

fn web_allows(registered: &str, presented: &str) -> bool {
    let client = client(ApplicationType::Traditional, &[registered]);
    RedirectUri::registered(&client, presented).is_some()
}

#[test]
fn an_exact_string_matches_and_its_neighbours_do_not() {
    let registered = "https://app.example.com/cb?x=1";
    assert!(web_allows(registered, registered));
    for other in [
        "https://app.example.com/cb",
        "https://app.example.com/cb?x=2",
        "https://app.example.com/cb/",
        "https://app.example.com:8443/cb?x=1",
        "http://app.example.com/cb?x=1",
        "https://app.example.com/CB?x=1",
    ] {
        assert!(!web_allows(registered, other), "{other}");
    }
}

#[test]
fn an_absent_path_is_the_root_and_a_default_port_may_be_written() {
    assert!(web_allows("http://localhost:3000", "http://localhost:3000/"));
    assert!(web_allows("http://localhost:3000/", "http://localhost:3000"));
    assert!(web_allows("https://a.example.com/cb", "https://A.example.com:443/cb"));
}

#[test]
fn a_custom_scheme_matches_exactly_only() {
    assert!(web_allows("com.example.app:/cb", "com.example.app:/cb"));
    assert!(web_allows("io.logto://callback", "io.logto://callback"));
    assert!(!web_allows("com.example.app:/cb", "com.example.app:/cb2"));
    assert!(!web_allows("com.example.app:/*", "com.example.app:/cb"));
}

#[test]
fn what_a_browser_reads_differently_is_refused_even_when_registered() {
    for uri in [
        "https://user@app.example.com/cb",
        "https://user:80@app.example.com/cb",
        "https://app.example.com/a\\b",
        "https://app.example.com/*",
        "https://app.example.com\\@evil.example/cb",
        "https://app.example.com/cb#fragment",
        "https://app.example.com/a b",
        "https://app.example.com/a\tb",
        "https://app.example.com/\u{0}",
        "https://app.example.com%2f.evil.example/",
        "https://app.example.com:0443/cb",
        "https://app.example.com:99999/cb",
        "https://0x7f.1/cb",
        "https:///evil.example/cb",
        "https:evil.example/cb",
        "https://*.example.com/cb",
        "https://bücher.example/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "myapp://user@host/cb",
        "/relative",
        "",
    ] {
        assert!(!web_allows(uri, uri), "{uri}");
    }
}

#[test]
fn a_wildcard_label_matches_one_label_of_the_same_site() {
    let registered = "https://pr-*.preview.example.com/cb";
    assert!(web_allows(registered, "https://pr-12.preview.example.com/cb"));
    for other in [
        "https://pr-.preview.example.com/cb",
        "https://pr-1.2.preview.example.com/cb",
        "https://preview.example.com/cb",
        "https://pr-12.preview.example.com.evil.example/cb",
        "https://evil.example/pr-12.preview.example.com/cb",
        "https://pr-12.preview.example.com:444/cb",
        "http://pr-12.preview.example.com/cb",
    ] {
        assert!(!web_allows(registered, other), "{other}");
    }
}

#[test]
fn a_wildcard_in_the_last_two_labels_the_port_or_the_query_never_matches() {
    for (registered, presented) in [
        ("https://*.com/cb", "https://evil.com/cb"),
        ("https://*.com./cb", "https://evil.com./cb"),
        ("https://*..com/cb", "https://evil..com/cb"),
        ("https://example.*/cb", "https://example.evil/cb"),
        ("https://a.*.com/cb", "https://a.evil.com/cb"),
        ("https://*/cb", "https://evil/cb"),
        ("https://a.example.com:*/cb", "https://a.example.com:1/cb"),
        ("https://a.example.com/cb?*", "https://a.example.com/cb?x"),
    ] {
        assert!(!web_allows(registered, presented), "{registered}");
    }
}

#[test]
fn a_wildcard_path_matches_below_but_is_not_climbed_out_of() {
    let registered = "https://app.example.com/cb/*/done";
    assert!(web_allows(registered, "https://app.example.com/cb/a/b/done"));
    for path in ["cb/../x/done", "cb/%2e%2E/done", "cb/a%2fb/done", "cb/a", "x/a/done"] {
        assert!(!web_allows(registered, &format!("https://app.example.com/{path}")), "{path}");
    }
    assert!(!web_allows(registered, "https://app.example.com/cb/a/done?x=1"));
}

#[test]
fn only_a_native_app_may_choose_its_loopback_port() {
    let registered = ["http://127.0.0.1/cb", "http://[::1]:1/cb", "http://localhost/cb"];
    let (native, web) = (
        client(ApplicationType::Native, &registered),
        client(ApplicationType::Traditional, &registered),
    );
    for uri in ["http://127.0.0.1:51004/cb", "http://[::1]:51004/cb", "http://localhost:9/cb"] {
        assert!(RedirectUri::registered(&native, uri).is_some(), "{uri}");
        assert!(RedirectUri::registered(&web, uri).is_none(), "{uri}");
    }
    for uri in ["http://127.0.0.1:1/other", "https://127.0.0.1:1/cb", "http://127.0.0.2:1/cb"] {
        assert!(RedirectUri::registered(&native, uri).is_none(), "{uri}");
    }
    let landing = Client { post_logout_redirect_uris: native.redirect_uris.clone(), ..native };
    assert!(RedirectUri::post_logout(&landing, "http://127.0.0.1/cb").is_some());
    assert!(RedirectUri::post_logout(&landing, "http://127.0.0.1:51004/cb").is_none());
}

#[test]
fn form_action_gets_the_origin_or_the_scheme() {
    for (uri, source) in [
        ("https://App.example.com:443/cb", "https://app.example.com"),
        ("http://localhost:3000/cb", "http://localhost:3000"),
        ("http://[::1]:3000/cb", "http:"),
        ("com.Example.app:/cb", "com.example.app:"),
    ] {
        let uri = RedirectUri::try_from(uri.to_owned()).unwrap();
        assert_eq!(uri.form_action_source(), source);
    }
}

#[test]
fn a_native_page_on_loopback_may_call_from_whatever_port_it_has() {
    let allows = |application_type, origin: &str| {
        origin_is_allowed(&client(application_type, &["http://localhost/cb"]), origin)
    };
    for origin in ["http://localhost", "http://localhost:6274"] {
        assert!(allows(ApplicationType::Native, origin), "{origin}");
    }
    for origin in ["https://localhost:6274", "http://127.0.0.1:6274", "http://localhost.evil:6274"]
    {
        assert!(!allows(ApplicationType::Native, origin), "{origin}");
    }
    assert!(!allows(ApplicationType::SPA, "http://localhost:6274"));
}

#[test]
fn origins_of_redirect_uris_and_listed_origins_may_call() {
    let client = Client {
        cors_allowed_origins: vec![
            "https://spa.example.com/".into(),
            "capacitor://localhost".into(),
        ],
        ..client(
            ApplicationType::SPA,
            &["https://app.example.com/cb", "https://*.pr.example.com/cb"],
        )
    };
    for origin in [
        "https://app.example.com",
        "https://spa.example.com",
        "https://x.pr.example.com",
        "capacitor://localhost",
    ] {
        assert!(origin_is_allowed(&client, origin), "{origin}");
    }
    for origin in [
        "null",
        "",
        "https://app.example.com/cb",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://*.pr.example.com",
        "https://evil.example",
    ] {
        assert!(!origin_is_allowed(&client, origin), "{origin}");
    }
}

fn host() -> impl Strategy<Value = String> {
    "[a-z0-9]{1,6}(\\.[a-z0-9]{1,6}){0,3}\\.[a-z]{2,4}"
}

proptest! {
    #[test]
    fn a_redirect_to_another_host_never_matches(
        ours in host(), theirs in host(), path in "(/[a-z*]{0,5}){0,3}",
        tail in "[ -~]{0,30}", trick in "[@.:/?#%\\\\-]|%2[fe]|%5c|:80@|%00|//", native in any::<bool>()
    ) {
        let kind = if native { ApplicationType::Native } else { ApplicationType::SPA };
        let client = client(kind, &[&format!("https://{ours}{path}"), &format!("http://{ours}/*")]);
        for presented in [
            format!("https://{theirs}{tail}"),
            format!("https://{theirs}{trick}{ours}{tail}"),
            format!("https://{ours}{trick}{theirs}{tail}"),
            format!("http://{ours}{trick}{theirs}/{tail}"),
        ] {
            if let Some(uri) = RedirectUri::registered(&client, &presented) {
                let url = Url::parse(uri.as_str()).unwrap();
                prop_assert_eq!(url.host_str(), Some(ours.as_str()));
            }
        }
    }

    #[test]
    fn a_wildcard_host_only_matches_inside_its_site(
        site in "[a-z]{1,8}\\.[a-z]{2,4}", presented in "https?://[ -~]{0,40}", label in "[a-z0-9-]{1,9}"
    ) {
        let client = client(ApplicationType::SPA, &[&format!("https://*.{site}/*")]);
        let inside = format!("https://{label}.{site}/a/b");
        // Labels such as `xn--` may be no host name at all for a browser.
        prop_assert!(!is_sound(&inside) || RedirectUri::registered(&client, &inside).is_some());
        for presented in [presented.clone(), format!("{presented}.{site}/"), format!("{inside}{presented}")] {
            if let Some(uri) = RedirectUri::registered(&client, &presented) {
                let url = Url::parse(uri.as_str()).unwrap();
                let suffix = format!(".{site}");
                prop_assert!(url.host_str().unwrap().ends_with(&suffix));
            }
        }
    }

    #[test]
    fn what_matches_is_read_by_a_browser_as_the_same_scheme_host_and_port(
        presented in "(https?|HTTP)://[a-zA-Z0-9.:@\\\\/%\\[\\]?#-]{1,40}"
    ) {
        let client = client(ApplicationType::Native, &[&presented, "http://localhost/cb"]);
        if let Some(uri) = RedirectUri::registered(&client, &presented) {
            let origin = Url::parse(uri.as_str()).unwrap().origin().ascii_serialization();
            prop_assert_eq!(Web::parse(uri.as_str()).unwrap().origin(), origin);
        }
    }

    #[test]
    fn a_glob_with_its_wildcards_filled_in_matches(
        parts in prop::collection::vec("[ab]{0,3}", 1..4), fill in "[abc]{1,4}"
    ) {
        prop_assert!(glob(parts.join("*").as_bytes(), parts.join(&fill).as_bytes(), 1));
    }
}

#[test]
fn the_front_page_is_the_root_of_the_first_web_address() {
    for (uris, page) in [
        (
            &["com.example.app:/cb", "https://App.example.com:443/a/cb?x=1"][..],
            Some("https://app.example.com/"),
        ),
        (
            &["http://localhost:3000/callback", "https://b.example/cb"],
            Some("http://localhost:3000/"),
        ),
        (&["https://*.preview.example.com/cb", "https://c.example/cb"], Some("https://c.example/")),
        (&["com.example.app:/cb"], None),
        (&[], None),
    ] {
        let mut client = Client::new("app", ApplicationType::Native);
        client.redirect_uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        assert_eq!(front_page(&client).as_deref(), page, "{uris:?}");
    }
}
