use crate::running::{Place, json};

#[test]
fn init_prints_credentials_once() {
    let place = Place::new();
    let first = json(&place.done(&["init", "--json", "--endpoint", "https://id.example.com"]));
    assert_eq!(first["endpoint"], "https://id.example.com");
    assert_eq!(first["resource"], "https://default.logto.app/api");
    assert_eq!(first["tokenEndpoint"], "https://id.example.com/oidc/token");
    assert_eq!(first["appSecret"].as_str().unwrap().len(), 32);

    let again = place.run(&["init"]);
    assert!(again.status.success() && again.stdout.is_empty(), "{again:?}");
    let secret = first["appSecret"].as_str().unwrap();
    assert!(!String::from_utf8(again.stderr).unwrap().contains(secret));
    let again = json(&place.done(&["init", "--json"]));
    assert_eq!(again["alreadyInitialized"], true);
    assert_eq!(again.as_object().unwrap().len(), 2, "{again}");

    let server = place.serve();
    let bearer = format!("Bearer {}", server.token(&first));
    let headers = [("authorization", bearer.as_str())];
    let applications = server.http().send("GET", "/api/applications", &headers, "").unwrap();
    let applications = applications.json();
    assert_eq!(applications.as_array().unwrap().len(), 1, "{applications}");
    assert_eq!(applications[0]["name"], "Management API access");
    assert_eq!(applications[0]["id"], first["appId"]);
}

#[test]
fn init_prints_lines_for_an_environment_file() {
    let output = Place::new().run(&["init"]);
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = stdout.lines().map(|line| line.split_once('=').unwrap().0).collect();
    assert_eq!(names, ["LOGTO_M2M_APP_ID", "LOGTO_M2M_APP_SECRET"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("once"));
}

#[test]
fn of_several_inits_at_once_one_wins() {
    for serving in [false, true] {
        let place = Place::new();
        let server = serving.then(|| place.serve());
        let outputs: Vec<_> = std::thread::scope(|scope| {
            let inits: Vec<_> =
                (0..4).map(|_| scope.spawn(|| json(&place.done(&["init", "--json"])))).collect();
            inits.into_iter().map(|init| init.join().unwrap()).collect()
        });
        let winners: Vec<_> =
            outputs.iter().filter(|output| output.get("appSecret").is_some()).collect();
        assert_eq!(winners.len(), 1, "{outputs:?}");
        let server = server.unwrap_or_else(|| place.serve());
        server.token(winners[0]);
    }
}

#[test]
fn commands_work_while_the_server_runs_and_while_it_does_not() {
    let place = Place::new();
    let create = |name: &str| {
        let flags = ["user", "create", "--username", name, "--password", "correct horse", "--json"];
        json(&place.done(&flags))["id"].as_str().unwrap().to_owned()
    };
    let credentials = json(&place.done(&["init", "--json"]));
    let stopped = create("ana");

    let mut server = place.serve();
    let running = create("rui");
    let machine = ["app", "create", "--type", "machine-to-machine", "--management-api"];
    let machine = json(&place.done(&[&machine[..], &["--name", "Deploy", "--json"]].concat()));
    server.token(&machine);
    server.kill();
    // A killed server leaves its socket behind.
    assert!(place.path().join("data/control.sock").exists());
    let killed = create("eva");

    let server = place.serve();
    let bearer = format!("Bearer {}", server.token(&credentials));
    for (id, name) in [(stopped, "ana"), (running, "rui"), (killed, "eva")] {
        let headers = [("authorization", bearer.as_str())];
        let user = server.http().send("GET", &format!("/api/users/{id}"), &headers, "").unwrap();
        assert_eq!(user.status, 200, "{user:?}");
        assert_eq!(user.text("/username"), name);
        assert!(user.json()["hasPassword"].as_bool().unwrap_or(true));
    }
    for running in [true, false] {
        let again = ["user", "create", "--username", "ana", "--password", "correct horse"];
        let (code, sentence) = place.refused(&again);
        assert_eq!(code, 1, "{sentence}");
        assert_eq!(sentence.lines().count(), 1, "{sentence}");
        assert!(sentence.contains("taken"), "running {running}: {sentence}");
        if running {
            server.terminate();
            while place.path().join("data/control.sock").exists() {
                std::thread::yield_now();
            }
        }
    }
}

#[test]
fn app_create_prints_a_ready_env_file() {
    let place = Place::new();
    let server = place.serve();
    let flags = ["app", "create", "--type", "traditional", "--name", "Shop"];
    let uris = ["--redirect-uri", "http://localhost:3000/callback"];
    let file = place.done(&[&flags[..], &uris].concat());
    let lines: Vec<(&str, &str)> = file.lines().map(|line| line.split_once('=').unwrap()).collect();
    let names: Vec<&str> = lines.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        ["LOGTO_ENDPOINT", "LOGTO_APP_ID", "LOGTO_APP_SECRET", "LOGTO_COOKIE_SECRET", "BASE_URL"]
    );
    assert_eq!(lines[0].1, format!("http://localhost:{}", server.port));
    assert_eq!(lines[2].1.len(), 32);
    assert!(lines[3].1.len() >= 32);
    assert_eq!(lines[4].1, "http://localhost:3000");

    let credentials = json(&place.done(&["init", "--json"]));
    let bearer = format!("Bearer {}", server.token(&credentials));
    let path = format!("/api/applications/{}", lines[1].1);
    let app = server.http().send("GET", &path, &[("authorization", &bearer)], "").unwrap().json();
    assert_eq!(app["type"], "Traditional");
    assert_eq!(app["oidcClientMetadata"]["redirectUris"][0], "http://localhost:3000/callback");
    assert_eq!(app["oidcClientMetadata"]["postLogoutRedirectUris"][0], "http://localhost:3000/");

    let flags = ["app", "create", "--type", "spa", "--name", "Shop", "--redirect-uri"];
    let file = place.done(&[&flags[..], &["http://localhost:5173/callback"]].concat());
    let names: Vec<&str> = file.lines().map(|line| line.split_once('=').unwrap().0).collect();
    assert_eq!(names, ["LOGTO_ENDPOINT", "LOGTO_APP_ID"]);
}

#[test]
fn a_password_can_be_piped_in() {
    let place = Place::new();
    place.done(&["init"]);
    let output = place.run_with_input(&["user", "create", "--username", "ana"], "correct horse\n");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim().len(), 12);
    let output = place.run_with_input(&["user", "create", "--username", "rui"], "");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn mistakes_on_the_command_line_have_their_own_exit_code() {
    let place = Place::new();
    let app = ["app", "create", "--name", "Shop", "--type"];
    for wrong in [
        vec!["sever"],
        [&app[..], &["traditional"]].concat(),
        [&app[..], &["traditional", "--redirect-uri", "http://a.test/x", "--management-api"]]
            .concat(),
        [&app[..], &["machine-to-machine", "--redirect-uri", "http://a.test/x"]].concat(),
        vec!["init", "--port", "port"],
    ] {
        assert_eq!(place.refused(&wrong).0, 2, "{wrong:?}");
    }
    // In another folder than the server's, a new installation would look like success.
    let elsewhere = place.refused(&["user", "create", "--username", "a", "--password", "s3cret"]);
    assert!(elsewhere.0 == 1 && elsewhere.1.contains("--data"), "{elsewhere:?}");
    assert!(!place.path().join("data").exists());
    place.done(&["init"]);
    for (rule, wrong) in [
        (
            "redirectUris",
            [&app[..], &["traditional", "--redirect-uri", "javascript:alert(1)"]].concat(),
        ),
        ("username", vec!["user", "create", "--username", "not a name", "--password", "s3cret"]),
        (
            "email",
            vec!["user", "create", "--username", "a", "--password", "s3cret", "--email", "x"],
        ),
    ] {
        let (code, sentence) = place.refused(&wrong);
        assert_eq!((code, sentence.lines().count()), (1, 1), "{sentence}");
        assert!(sentence.contains(rule) && !sentence.contains("s3cret"), "{sentence}");
    }
    assert_eq!(place.done(&["version"]), format!("trinco {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(place.done(&["--version"]), place.done(&["version"]));
}
