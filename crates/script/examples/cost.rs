//! What a run costs: `cargo run --release -p trinco-script --example cost`.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use trinco_script::{Engine, Fetching, Job, Secrets};

const RUNS: usize = 5000;

const SCRIPTS: [(&str, &str); 3] = [
    ("returns nothing", "const f = () => ({});"),
    (
        "reads roles, async",
        "const f = async ({ context }) => ({ roles: context.user.roles.map(({ name }) => name) });",
    ),
    ("thousand lines unused", "const f = () => ({});"),
];

#[tokio::main]
async fn main() {
    let engine = Engine::default();
    let role = json!({ "id": "r", "name": "shopper", "description": "Buys", "scopes": [{ "id": "s", "name": "read:orders" }] });
    let payload = json!({
        "token": { "jti": "j", "aud": "https://api.test", "scope": "read:orders", "clientId": "app" },
        "context": { "user": { "id": "u", "username": "ana", "customData": {}, "roles": [role] } },
        "environmentVariables": { "KEY": "k" },
    });
    for (name, source) in SCRIPTS {
        let filler = if name.starts_with("thousand") {
            (0..1000).map(|n| format!("const unused{n} = (a, b) => a + b * {n};\n")).collect()
        } else {
            String::new()
        };
        let source: Arc<str> = format!("{filler}{source}").into();
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            let job = Job {
                source: Arc::clone(&source),
                function: "f",
                payload: payload.as_object().cloned().unwrap_or_default(),
                secrets: Secrets::default(),
                fetching: Fetching::nowhere("a setting"),
            };
            let start = Instant::now();
            let run = engine.run(job).await;
            times.push(start.elapsed());
            assert!(run.outcome.is_ok(), "{run:?}");
        }
        times.sort_unstable();
        let at = |share: f64| times[(share * (RUNS - 1) as f64) as usize].as_micros();
        println!("{name}: median {} µs, 99 % {} µs", at(0.5), at(0.99));
    }
}
