//! Each `sslmode` against a server that speaks TLS, as libpq would have it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::disallowed_methods, reason = "a test may see how long it takes")]

mod support;

use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use support::cluster::Cluster;
use support::raw;
use trinco_db::{Db, Error, Options, sql};

/// An authority: how it signs, and its certificate in PEM.
fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let mut params = named(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), certificate)
}

fn named(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A certificate and its key in PEM.
fn issued(issuer: &Issuer<'_, KeyPair>, params: &CertificateParams) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, issuer).unwrap().pem(), key.serialize_pem())
}

const RULES: &str = "
    local     all all                     scram-sha-256
    hostssl   all certified  127.0.0.1/32 cert
    hostnossl all plain_only 127.0.0.1/32 scram-sha-256
    host      all postgres   127.0.0.1/32 scram-sha-256
";

/// Whether the connection is encrypted, or why there is none.
async fn encrypted(url: &str) -> Result<bool, String> {
    let url = url.parse().map_err(|error: Error| error.to_string())?;
    let options = Options { connect_timeout: Duration::from_secs(3), ..Options::default() };
    let db = Db::open(&url, options).await.map_err(|error| {
        assert!(matches!(error, Error::Unavailable { .. } | Error::Url(_)), "{error:?}");
        error.to_string()
    })?;
    let query = sql!("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    let row = db.system().read().await.unwrap().one(query, &[]).await.unwrap();
    db.close().await;
    Ok(row.get(0).unwrap())
}

/// Asks until the answer is as expected: a server takes a moment to read its settings anew.
async fn becomes(url: &str, expected: impl Fn(&Result<bool, String>) -> bool) {
    let begun = Instant::now();
    loop {
        let answer = encrypted(url).await;
        if expected(&answer) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_asks_of_the_server_what_it_asks_in_libpq() {
    let (ours, root) = authority("Ours");
    let (_, other_root) = authority("Another");
    let (certificate, key) = issued(&ours, &named("db", &["localhost"]));
    let (user, user_key) = issued(&ours, &named("certified", &[]));
    let files = [
        ("root.pem", &*root),
        ("other.pem", &other_root),
        ("server.pem", &certificate),
        ("server.key", &key),
        ("user.pem", &user),
        ("user.key", &user_key),
        ("rules", RULES),
    ];
    // Files of TLS are looked for from the data's folder, the rules from the one above it.
    let settings = [
        "listen_addresses=127.0.0.1",
        "ssl=on",
        "ssl_cert_file=../server.pem",
        "ssl_key_file=../server.key",
        "ssl_ca_file=../root.pem",
        "hba_file=rules",
    ];
    let Some(cluster) = Cluster::create(&settings, &files) else { return };
    raw(&cluster.url(), "CREATE ROLE certified LOGIN; CREATE ROLE plain_only LOGIN PASSWORD 'p'")
        .await;
    let file = |name: &str| cluster.folder.path().join(name).display().to_string();
    let (root, other) = (file("root.pem"), file("other.pem"));
    let at = |host: &str, options: &str| {
        format!("{}?{options}", cluster.url_of(&format!("{host}:{}", cluster.port())))
    };

    for (host, options, expected) in [
        ("localhost", "sslmode=disable".to_owned(), false),
        ("localhost", "connect_timeout=3".to_owned(), true),
        ("localhost", "sslmode=prefer".to_owned(), true),
        ("127.0.0.1", "sslmode=require".to_owned(), true),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={root}"), true),
        ("localhost", format!("sslmode=verify-full&sslrootcert={root}"), true),
        // The password is then worth nothing to anyone between us and the server.
        (
            "localhost",
            format!("sslmode=verify-full&sslrootcert={root}&channel_binding=require"),
            true,
        ),
        // As in libpq: what cannot be trusted is not spoken to in TLS, and `prefer` goes on without.
        ("localhost", format!("sslmode=prefer&sslrootcert={other}"), false),
    ] {
        assert_eq!(encrypted(&at(host, &options)).await, Ok(expected), "{host} {options}");
    }
    for (host, options, sentence) in [
        ("localhost", format!("sslmode=verify-ca&sslrootcert={other}"), "is not trusted"),
        ("localhost", format!("sslmode=verify-full&sslrootcert={other}"), "is not trusted"),
        ("localhost", format!("sslmode=require&sslrootcert={other}"), "is not trusted"),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={root}"), "for another name"),
        // By the authorities of this system, if it has any.
        ("localhost", "sslmode=verify-full".to_owned(), "certificate"),
        ("localhost", "sslmode=disable&channel_binding=require".to_owned(), "channel binding"),
        ("localhost", "sslmode=verify-ca&sslrootcert=/no/such.pem".to_owned(), "/no/such.pem"),
        ("localhost", format!("sslmode=verify-ca&sslrootcert={}", file("rules")), "no certificate"),
        ("localhost", format!("sslcert={root}&sslkey={}", file("user.key")), "belong together"),
        ("localhost", format!("sslcert={root}&sslkey={root}"), "no private key"),
    ] {
        let refused = encrypted(&at(host, &options)).await.unwrap_err();
        assert!(refused.contains(sentence), "{host} {options}: {refused}");
        assert!(!refused.contains("a-password-of-tests"), "{refused}");
    }

    // Who must show a certificate, and who must not speak TLS.
    let user = |user: &str, options: &str| {
        format!("postgres://{user}@localhost:{}/postgres?{options}", cluster.port())
    };
    let identity = format!("sslcert={}&sslkey={}", file("user.pem"), file("user.key"));
    let with = format!("sslmode=verify-full&sslrootcert={root}&{identity}");
    assert_eq!(encrypted(&user("certified", &with)).await, Ok(true));
    let refused = encrypted(&user("certified", "sslmode=require")).await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
    assert_eq!(encrypted(&user("plain_only:p", "sslmode=prefer")).await, Ok(false));
    let refused = encrypted(&user("plain_only:p", "sslmode=require")).await.unwrap_err();
    assert!(refused.contains("pg_hba.conf"), "{refused}");

    // Another certificate: one that vouches for itself and calls itself an authority, as openssl makes them.
    let mut own = named("db", &["localhost"]);
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let show = async |params: &CertificateParams| {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        cluster.folder.write("server.pem", &certificate);
        cluster.folder.write("server.key", &key.serialize_pem());
        raw(&cluster.url(), "SELECT pg_reload_conf()").await;
        cluster.folder.write("own.pem", &certificate).display().to_string()
    };
    let listed = show(&own).await;
    let trusting = at("localhost", &format!("sslmode=verify-full&sslrootcert={listed}"));
    becomes(&trusting, |answer| *answer == Ok(true)).await;
    let elsewhere = at("127.0.0.1", &format!("sslmode=verify-full&sslrootcert={listed}"));
    assert!(encrypted(&elsewhere).await.unwrap_err().contains("for another name"));
    own.not_before = date_time_ymd(2001, 1, 1);
    own.not_after = date_time_ymd(2002, 1, 1);
    show(&own).await;
    becomes(&trusting, |answer| answer.as_ref().is_err_and(|why| why.contains("has expired")))
        .await;

    // And none: what asks for TLS is refused, what prefers it is not.
    let cluster = cluster.restarted_without("ssl=on");
    let at = |options: &str| {
        format!("{}?{options}", cluster.url_of(&format!("localhost:{}", cluster.port())))
    };
    assert_eq!(encrypted(&at("sslmode=prefer")).await, Ok(false));
    for options in ["sslmode=require".to_owned(), format!("sslmode=verify-full&sslrootcert={root}")]
    {
        let refused = encrypted(&at(&options)).await.unwrap_err();
        assert!(refused.contains("does not speak TLS"), "{refused}");
    }
}
