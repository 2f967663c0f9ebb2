use std::ffi::OsString;

use trinco_core::assets::S3Settings;
use trinco_core::retention::Kind;

use super::traces::Sampler;
use super::*;

fn file(text: &str) -> SettingsFile {
    SettingsFile { path: "trinco.toml".into(), text: text.to_owned() }
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn from_file(text: &str) -> Result<Settings, String> {
    Settings::resolve(Sources { file: Some(file(text)), ..Sources::default() })
}

fn from_variables(pairs: &[(&str, &str)]) -> Result<Settings, String> {
    Settings::resolve(Sources { variables: variables(pairs), ..Sources::default() })
}

fn refusal(result: Result<Settings, String>) -> String {
    match result {
        Ok(settings) => panic!("accepted: {settings:?}"),
        Err(sentence) => sentence,
    }
}

/// A setting, four good values for it, and how the settings show them. The values stand for: flag, own variable, alias, file.
type Case = (Setting, [&'static str; 4], fn(&Settings) -> String);

const CASES: [Case; 32] = [
    (Setting::Port, ["1", "2", "3", "4"], |s| s.port.to_string()),
    (
        Setting::Endpoint,
        ["http://a.test", "http://b.test", "http://c.test", "http://d.test"],
        |s| s.origin(1).base().to_owned(),
    ),
    (
        Setting::AdminEndpoint,
        ["http://a.test", "http://b.test", "http://c.test", "http://d.test"],
        |s| s.admin_origin(1).base().to_owned(),
    ),
    (Setting::DbUrl, ["sqlite:a", "sqlite:b", "sqlite:c", "sqlite:d"], |s| s.db_url.to_string()),
    (Setting::Listen, ["127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"], |s| {
        s.listen.map_or_else(String::new, |address| address.to_string())
    }),
    (Setting::DataDir, ["a", "b", "c", "d"], |s| s.data_dir.display().to_string()),
    (Setting::Log, ["error", "warn", "debug", "trace"], |s| s.log.clone()),
    (Setting::MasterKeyFile, ["a", "b", "c", "d"], |s| match &s.master_key {
        MasterKeySource::File(path) => path.display().to_string(),
        _ => String::new(),
    }),
    (Setting::Proxies, ["1", "2", "3", "10"], |s| s.proxies.to_string()),
    (Setting::OutboundAllow, ["10.0.0.0/8", "hooks.internal", "::1", "127.0.0.1, 10.0.0.7"], |s| {
        s.outbound_allow.iter().map(|entry| format!("{entry};")).collect()
    }),
    (Setting::DocumentsAllow, ["127.0.0.1", "agents.internal", "::1", "127.0.0.1, ::1"], |s| {
        s.documents_allow.iter().map(|entry| format!("{entry};")).collect()
    }),
    (
        Setting::ScriptsFetchAllow,
        [
            "https://a.test",
            "http://10.0.0.7:8080",
            "http://[::1]:81",
            "https://a.test, https://b.test",
        ],
        |s| s.scripts_fetch_allow.iter().map(|entry| format!("{entry};")).collect(),
    ),
    (Setting::StorageDirectory, ["a", "b", "c", "d"], |s| match &s.storage {
        StorageSettings::Disk(path) => path.display().to_string(),
        other => panic!("{other:?}"),
    }),
    (
        Setting::StorageS3Url,
        ["http://a.test/b", "https://b.test/", "http://c.test/d", "http://d.test/e"],
        |s| bucket(s).map_or_else(String::new, |bucket| bucket.url.to_string()),
    ),
    (Setting::StorageS3Region, ["a", "b", "c", "d"], |s| {
        bucket(s).map_or_else(String::new, |bucket| bucket.region.clone())
    }),
    (Setting::StorageS3AccessKeyId, ["a", "b", "c", "d"], |s| {
        bucket(s).map_or_else(String::new, |bucket| bucket.access_key_id.clone())
    }),
    (Setting::StorageS3SecretAccessKey, ["a/+=", "b", "c", "d"], |s| {
        bucket(s).map_or_else(String::new, |bucket| bucket.secret_access_key.reveal().clone())
    }),
    (Setting::KeysGrace, ["0", "60", "3600", "7776000"], |s| s.key_policy.grace_ms.to_string()),
    (Setting::KeysRotateEvery, ["1", "30", "90", "3650"], |s| {
        s.key_policy.rotate_every_ms.map_or_else(String::new, |every| every.to_string())
    }),
    (Setting::MetricsListen, ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "[::1]:9464"], |s| {
        s.metrics_listen.map_or_else(String::new, |address| address.to_string())
    }),
    (Setting::ShutdownDelay, ["1", "5", "30", "300"], |s| s.shutdown_delay.as_secs().to_string()),
    (
        Setting::OtlpEndpoint,
        ["http://a.test", "http://b.test/", "http://c.test", "http://d.test"],
        |s| s.traces.as_ref().map_or_else(String::new, |traces| traces.endpoint.to_string()),
    ),
    (
        Setting::OtlpTracesEndpoint,
        ["http://a.test/", "http://b.test/x", "http://c.test/y", "http://d.test/z"],
        |s| s.traces.as_ref().map_or_else(String::new, |traces| traces.endpoint.to_string()),
    ),
    (Setting::ServiceName, ["a", "b", "c", "d"], |s| traced(s).service_name),
    (
        Setting::TracesSampler,
        ["always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off"],
        |s| format!("{:?}", traced(s).sampler),
    ),
    (Setting::TracesSamplerArg, ["0", "0.25", "0.5", "1"], |s| traced(s).sampler.ratio.to_string()),
    (Setting::Retention(Kind::Interactions), DAYS, |s| kept(s, Kind::Interactions)),
    (Setting::Retention(Kind::Codes), DAYS, |s| kept(s, Kind::Codes)),
    (Setting::Retention(Kind::Tokens), DAYS, |s| kept(s, Kind::Tokens)),
    (Setting::Retention(Kind::Sessions), DAYS, |s| kept(s, Kind::Sessions)),
    (Setting::Retention(Kind::Grants), DAYS, |s| kept(s, Kind::Grants)),
    (Setting::Retention(Kind::Logs), DAYS, |s| kept(s, Kind::Logs)),
];

/// The bucket files are kept in, if they are.
fn bucket(settings: &Settings) -> Option<&S3Settings> {
    match &settings.storage {
        StorageSettings::S3(bucket) => Some(bucket),
        StorageSettings::Nowhere | StorageSettings::Disk(_) => None,
    }
}

/// What a bucket needs besides a setting of it.
fn rest_of_bucket(key: Setting) -> Vec<(OsString, OsString)> {
    let all = [
        (Setting::StorageKind, "s3"),
        (Setting::StorageS3Url, "http://bucket.test/"),
        (Setting::StorageS3AccessKeyId, "id"),
        (Setting::StorageS3SecretAccessKey, "key"),
    ];
    let others = all.into_iter().filter(|(other, _)| *other != key);
    others.map(|(other, value)| (other.variable().into(), value.into())).collect()
}

const DAYS: [&str; 4] = ["1", "30", "365", "3650"];

fn kept(settings: &Settings, kind: Kind) -> String {
    settings.retention.kept_ms(kind).map_or_else(|| "for ever".to_owned(), |kept| kept.to_string())
}

/// The settings of traces; the defaults, when none are sent.
fn traced(settings: &Settings) -> TracesSettings {
    settings.traces.clone().unwrap_or_else(|| TracesSettings {
        endpoint: "http://nowhere.test".parse().unwrap(),
        service_name: "trinco".to_owned(),
        sampler: Sampler { ratio: 1.0, parent_based: false },
    })
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
    for (key, values, show) in CASES {
        let default = show(&Settings::resolve(Sources::default()).unwrap());
        for present in 0..16_u8 {
            let has = |source: usize| present & (1 << source) != 0;
            if (has(2) && key.alias().is_none())
                || (has(0) && key.flag().is_none())
                || (has(3) && !key.is_allowed_in_file())
            {
                continue;
            }
            let mut sources = Sources::default();
            // What is set about traces shows only when there is somewhere to send them, and the argument only with a ratio.
            if key.name().starts_with("tracing.s") && present != 0 {
                let variable = Setting::OtlpEndpoint.variable();
                sources.variables.extend(variables(&[(&variable, "http://a.test")]));
            }
            if key.name().starts_with("storage.s3") && present != 0 {
                sources.variables.extend(rest_of_bucket(key));
            }
            if key == Setting::TracesSamplerArg {
                let variable = Setting::TracesSampler.variable();
                sources.variables.extend(variables(&[(&variable, "traceidratio")]));
            }
            if has(0) {
                sources.flags.push((key, values[0].to_owned()));
            }
            if has(1) {
                sources.variables.extend(variables(&[(&key.variable(), values[1])]));
            }
            if has(2) {
                let alias = key.alias().unwrap();
                sources.variables.extend(variables(&[(alias, values[2])]));
            }
            if has(3) {
                sources.file = Some(file(&format!("{} = {:?}", key.name(), values[3])));
            }
            let winner = (0..4).find(|source| has(*source));
            let expected = match winner {
                None => default.clone(),
                Some(source) => shown(key, values[source]),
            };
            assert_eq!(show(&Settings::resolve(sources).unwrap()), expected, "{key:?} {present:b}");
        }
    }
}

/// How a value is shown: most as they are given.
fn shown(key: Setting, value: &str) -> String {
    let number = || value.parse::<i64>().unwrap();
    match key {
        Setting::KeysGrace => (number() * 1000).to_string(),
        Setting::KeysRotateEvery | Setting::Retention(_) => (number() * 86_400_000).to_string(),
        Setting::OutboundAllow => match value {
            "::1" => "::1/128;".to_owned(),
            "127.0.0.1, 10.0.0.7" => "127.0.0.1/32;10.0.0.7/32;".to_owned(),
            other => format!("{other};"),
        },
        Setting::DocumentsAllow => value
            .split(", ")
            .map(|entry| match entry {
                "127.0.0.1" => "127.0.0.1/32;".to_owned(),
                "::1" => "::1/128;".to_owned(),
                other => format!("{other};"),
            })
            .collect(),
        Setting::ScriptsFetchAllow => format!("{};", value.replace(", ", ";")),
        Setting::OtlpEndpoint => format!("{}/v1/traces", value.trim_end_matches('/')),
        Setting::TracesSampler => format!(
            "{:?}",
            Sampler {
                ratio: if value.ends_with("off") { 0.0 } else { 1.0 },
                parent_based: value.starts_with("parentbased"),
            }
        ),
        _ => value.to_owned(),
    }
}

#[test]
fn migrations_are_made_by_whoever_opens_the_database_unless_that_is_forbidden() {
    assert_eq!(from_file("").unwrap().db_migrate, DbMigrate::Auto);
    let settings = from_file("db_url = \"sqlite:a\"\n[db]\nmigrate = \"never\"").unwrap();
    assert_eq!(settings.db_migrate, DbMigrate::Never);
    let flags = vec![(Setting::DbMigrate, "auto".to_owned())];
    let file = Some(file("[db]\nmigrate = \"never\""));
    let settings = Settings::resolve(Sources { flags, file, ..Sources::default() }).unwrap();
    assert_eq!(settings.db_migrate, DbMigrate::Auto);
    let sentence = refusal(from_file("[db]\nmigrate = \"always\""));
    assert!(sentence.contains("db.migrate") && sentence.contains("auto or never"), "{sentence}");
}

#[test]
fn tables_and_lists_of_the_file_are_understood() {
    let settings = from_file(
        "[outbound]\nallow = [\"10.0.0.0/8\", \"hooks.internal\"]\n[keys]\nrotate_every = 90\ngrace_period = 60\n",
    )
    .unwrap();
    assert_eq!(settings.outbound_allow.len(), 2);
    assert_eq!(settings.key_policy.rotate_every_ms, Some(90 * 86_400_000));
    assert_eq!(settings.key_policy.grace_ms, 60_000);
    assert!(from_file("[outbound]\nallow = []").unwrap().outbound_allow.is_empty());
    assert_eq!(from_file("keys.rotate_every = 0").unwrap().key_policy.rotate_every_ms, None);
    for (wrong, start) in [
        (
            "[outbound]\nalow = []",
            "trinco.toml:2: unknown setting \"outbound.alow\"; did you mean \"outbound.allow\"?",
        ),
        (
            "[outbound]\nallow = [1]",
            "trinco.toml:2: outbound.allow must be a list of texts in quotes",
        ),
        (
            "[outbound]\nallow = [\"10.0.0.0/33\"]",
            "trinco.toml:2: outbound.allow: \"10.0.0.0/33\" is neither",
        ),
        ("outbound = \"x\"", "trinco.toml:1: unknown setting \"outbound\""),
        ("port = [\"1\"]", "trinco.toml:1: port must be text in quotes"),
        ("[keys.rotate_every]\nx = 1", "trinco.toml:1: keys.rotate_every must be text in quotes"),
    ] {
        let sentence = refusal(from_file(wrong));
        assert!(sentence.starts_with(start), "{sentence}");
    }
}

#[test]
fn the_defaults_suit_a_laptop() {
    let settings = Settings::resolve(Sources::default()).unwrap();
    assert_eq!(settings.port, 3001);
    assert_eq!(settings.origin(settings.port).base(), "http://localhost:3001");
    assert_eq!(settings.admin_origin(settings.port).base(), "http://localhost:3001/admin");
    assert_eq!(settings.db_url.to_string(), "sqlite:data/trinco.db");
    assert_eq!(settings.log_format, LogFormat::Text);
    let settings =
        from_variables(&[("TRINCO_DATA_DIR", "/var/lib/trinco"), ("PORT", "0")]).unwrap();
    assert_eq!(settings.db_url.to_string(), "sqlite:/var/lib/trinco/trinco.db");
    assert_eq!(settings.origin(40_000).base(), "http://localhost:40000");
}

#[test]
fn traces_are_sent_where_opentelemetry_says_and_as_its_sampler_says() {
    let traces = |pairs: &[(&str, &str)]| from_variables(pairs).unwrap().traces;
    assert_eq!(traces(&[("OTEL_SERVICE_NAME", "id")]), None);
    let both = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318/base/"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
    ];
    let settings = traces(&both).unwrap();
    assert_eq!(settings.endpoint.as_str(), "http://localhost:4318/base/v1/traces");
    assert_eq!(settings.service_name, "trinco");
    assert_eq!(settings.sampler, Sampler { ratio: 0.25, parent_based: true });
    // An argument is for a ratio alone, and the signal's own variable is the whole URL.
    let settings = traces(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces.test/in"),
        ("OTEL_TRACES_SAMPLER", "always_on"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
    ])
    .unwrap();
    assert_eq!(settings.endpoint.as_str(), "http://traces.test/in");
    assert_eq!(settings.sampler, Sampler { ratio: 1.0, parent_based: false });
}

#[test]
fn an_endpoint_is_normalised() {
    for (given, base) in [
        ("https://id.example.com/", "https://id.example.com"),
        ("https://ID.example.com:443", "https://id.example.com"),
        ("http://[::1]:3001", "http://[::1]:3001"),
    ] {
        assert_eq!(from_variables(&[("ENDPOINT", given)]).unwrap().origin(1).base(), base);
    }
}

#[test]
fn an_unknown_setting_is_refused_with_its_place_and_the_nearest_known_one() {
    assert_eq!(
        refusal(from_file("port = 3001\n\nend_point = \"http://a.test\"")),
        "trinco.toml:3: unknown setting \"end_point\"; did you mean \"endpoint\"?"
    );
    let sentence = refusal(from_file("[telephone]\nallow = []"));
    let start = "trinco.toml:1: unknown setting \"telephone\"; the settings are \"endpoint\", ";
    assert!(sentence.starts_with(start), "{sentence}");
    assert_eq!(
        refusal(from_variables(&[("HOME", "/root"), ("TRINCO_PROT", "3001")])),
        "TRINCO_PROT: unknown setting in the environment; did you mean TRINCO_PORT?"
    );
    assert!(from_variables(&[("HOME", "/root"), ("TRINCODE", "x")]).is_ok());
}

#[test]
fn a_bad_value_is_refused_with_its_place() {
    for (key, bad) in [
        (Setting::Port, "65536"),
        (Setting::Port, "-1"),
        (Setting::Port, "tcp://10.0.0.1:3001"),
        (Setting::Endpoint, "id.example.com"),
        (Setting::Endpoint, "ftp://id.example.com"),
        (Setting::Endpoint, "https://id.example.com/auth"),
        (Setting::Endpoint, "https://id.example.com?x=1"),
        (Setting::Endpoint, "https://id.example.com#x"),
        (Setting::Endpoint, "https://ana@id.example.com"),
        (Setting::AdminEndpoint, "https://id.example.com/console"),
        (Setting::Listen, "localhost"),
        (Setting::DbUrl, "mysql://localhost/trinco"),
        (Setting::DbUrl, "sqlite:"),
        (Setting::MasterKey, "short"),
        (Setting::Log, "trinco=loud"),
        (Setting::LogFormat, "xml"),
        (Setting::OutboundAllow, "10.0.0.0/33"),
        (Setting::OutboundAllow, "http://a.test"),
        (Setting::ScriptsFetchAllow, "a.test"),
        (Setting::ScriptsFetchAllow, "https://a.test/path"),
        (Setting::StorageKind, "ftp"),
        (Setting::StorageKind, "s3"),
        (Setting::StorageS3Url, "http://a.test/bucket"),
        (Setting::KeysGrace, "-1"),
        (Setting::KeysGrace, "7776001"),
        (Setting::KeysRotateEvery, "weekly"),
        (Setting::MetricsListen, "9464"),
        (Setting::MetricsListen, "localhost:9464"),
        (Setting::ShutdownDelay, "-1"),
        (Setting::ShutdownDelay, "301"),
        (Setting::OtlpEndpoint, "localhost:4318"),
        (Setting::OtlpEndpoint, "ftp://a.test"),
        (Setting::OtlpTracesEndpoint, "https://ana@a.test/v1/traces"),
        (Setting::ServiceName, "a\nb"),
        (Setting::TracesSampler, "sometimes"),
        (Setting::TracesSamplerArg, "2"),
        (Setting::TracesSamplerArg, "NaN"),
    ] {
        let sentence = refusal(from_variables(&[(&key.variable(), bad)]));
        assert!(sentence.starts_with(&key.variable()), "{sentence}");
        if key.is_allowed_in_file() {
            let sentence = refusal(from_file(&format!("\n{} = {bad:?}", key.name())));
            let place = format!("trinco.toml:2: {}: ", key.name());
            assert!(sentence.starts_with(&place), "{sentence}");
        }
        if let Some(flag) = key.flag() {
            let flags = vec![(key, bad.to_owned())];
            let sentence = refusal(Settings::resolve(Sources { flags, ..Sources::default() }));
            assert!(sentence.starts_with(flag), "{sentence}");
        }
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_the_line() {
    assert!(refusal(from_file("port = 1\nport = 2")).starts_with("trinco.toml:2: "));
    assert!(refusal(from_file("port = 1\n[")).starts_with("trinco.toml:2: "));
    assert!(refusal(from_file("port = true")).starts_with("trinco.toml:1: port"));
    assert!(refusal(from_file("port = 0x10")).starts_with("trinco.toml:1: port"));
    assert_eq!(from_file("# nothing\n").unwrap().port, 3001);
}

#[test]
fn no_secret_is_ever_quoted() {
    let mistakes: [&[(&str, &str)]; 5] = [
        &[("DB_URL", "mysql://ana:s3cret@db.test/trinco")],
        &[("DB_URL", "postgres://ana:s3cret@db.test:s3cret/trinco")],
        &[("ENDPOINT", "https://ana:s3cret@id.test")],
        &[("TRINCO_MASTER_KEY", "s3cret")],
        &[("TRINCO_S3CRET_MASTER_KEY", "s3cret")],
    ];
    for mistake in mistakes {
        let sentence = refusal(from_variables(mistake));
        assert!(!sentence.contains("s3cret"), "{sentence}");
    }
    let settings = from_variables(&[
        ("DB_URL", "postgres://ana:s3cret@db.test/trinco"),
        ("TRINCO_MASTER_KEY", "s3cretAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ]);
    assert!(!format!("{:?}", settings.unwrap()).contains("s3cret"));
    let sentence = refusal(from_file("db_url = \"postgres://ana:s3cret@db.test"));
    assert!(!sentence.contains("s3cret"), "{sentence}");
}

#[test]
fn the_master_key_is_given_once_and_never_in_the_settings_file() {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert!(matches!(
        from_variables(&[("TRINCO_MASTER_KEY", key)]).unwrap().master_key,
        MasterKeySource::Value(_)
    ));
    let both = [("TRINCO_MASTER_KEY", key), ("TRINCO_MASTER_KEY_FILE", "/run/secrets/key")];
    let sentence = refusal(from_variables(&both));
    assert!(sentence.contains("TRINCO_MASTER_KEY and TRINCO_MASTER_KEY_FILE"), "{sentence}");
    let sentence = refusal(from_file(&format!("master_key = {key:?}")));
    assert!(sentence.contains("master_key_file") && !sentence.contains(key), "{sentence}");
}

#[test]
fn the_two_tenants_cannot_share_an_endpoint() {
    let shared = [("ENDPOINT", "https://id.test"), ("ADMIN_ENDPOINT", "https://id.test:443/")];
    assert!(refusal(from_variables(&shared)).starts_with("ADMIN_ENDPOINT"));
    assert!(from_variables(&[("ADMIN_ENDPOINT", "http://localhost:3001")]).is_err());
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let settings =
        from_variables(&[("PORT", ""), ("TRINCO_ENDPOINT", ""), ("DB_URL", "")]).unwrap();
    assert_eq!(settings.origin(settings.port).base(), "http://localhost:3001");
}

#[test]
fn what_kubernetes_tells_about_a_service_named_trinco_is_no_setting() {
    let links = [
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("TRINCO_SERVICE_HOST", "10.0.0.7"),
        ("TRINCO_SERVICE_PORT", "3001"),
        ("TRINCO_SERVICE_PORT_HTTP", "3001"),
        ("TRINCO_PORT", "tcp://10.0.0.7:3001"),
        ("TRINCO_PORT_3001_TCP_ADDR", "10.0.0.7"),
    ];
    assert_eq!(from_variables(&links).unwrap().port, 3001);
    assert!(from_variables(&links[1..]).is_err());
}

/// A setting in the table of a README is a cell of its own.
#[test]
fn both_readmes_have_the_same_settings_and_every_one_about_operating() {
    let names = |readme: &str| -> Vec<&str> {
        let has = |key: &Setting| readme.contains(&format!("| `{}` |", key.name()));
        Setting::ALL.iter().filter(|key| has(key)).map(|key| key.name()).collect()
    };
    let english = names(include_str!("../../../../README.md"));
    assert_eq!(english, names(include_str!("../../../../README.pt-BR.md")));
    for key in Setting::ALL {
        let is_about_operating =
            ["metrics.", "shutdown.", "tracing."].iter().any(|table| key.name().starts_with(table));
        assert!(!is_about_operating || english.contains(&key.name()), "{}", key.name());
    }
}

#[test]
fn files_are_kept_beside_a_database_that_has_one_owner_and_elsewhere_by_choice() {
    let disk = |settings: Settings| match settings.storage {
        StorageSettings::Disk(path) => path.display().to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(disk(from_file("").unwrap()), "data/files");
    assert_eq!(disk(from_file("data_dir = \"x\"").unwrap()), "x/files");
    let postgres = "db_url = \"postgres://localhost/trinco\"\n";
    assert_eq!(disk(from_file(postgres).unwrap()), "Nowhere");
    let shared = format!("{postgres}[storage]\nkind = \"disk\"\ndirectory = \"/mnt/files\"");
    assert_eq!(disk(from_file(&shared).unwrap()), "/mnt/files");
    assert_eq!(disk(from_file("storage.kind = \"none\"").unwrap()), "Nowhere");
}

#[test]
fn a_bucket_is_named_whole_and_its_key_neither_shown_nor_kept_in_a_file() {
    let whole = rest_of_bucket(Setting::StorageS3Region);
    let settings =
        Settings::resolve(Sources { variables: whole.clone(), ..Sources::default() }).unwrap();
    assert_eq!(bucket(&settings).unwrap().region, "us-east-1");
    assert!(!format!("{settings:?}").contains("\"key\""), "{settings:?}");
    for (missing, _) in whole.iter().skip(1) {
        let variables = whole.iter().filter(|(name, _)| name != missing).cloned().collect();
        let sentence = refusal(Settings::resolve(Sources { variables, ..Sources::default() }));
        assert!(sentence.contains(missing.to_str().unwrap()), "{sentence}");
    }
    let sentence = refusal(from_file("[storage]\ns3_secret_access_key = \"x\""));
    assert!(sentence.contains("TRINCO_STORAGE_S3_SECRET_ACCESS_KEY"), "{sentence}");
    for url in ["ftp://a.test", "http://ana:x@a.test/b", "http://a.test/b?c", "http://a.test/a b"] {
        let mut variables = rest_of_bucket(Setting::StorageS3Url);
        variables.push((Setting::StorageS3Url.variable().into(), url.into()));
        let sentence = refusal(Settings::resolve(Sources { variables, ..Sources::default() }));
        assert!(sentence.starts_with("TRINCO_STORAGE_S3_URL"), "{sentence}");
    }
}
