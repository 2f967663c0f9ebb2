//! What a script can do, and what it cannot, however it tries.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Nowhere, answer, fails, run, run_whole};
use trinco_script::{Engine, Outcome, ScriptError, limits};

#[tokio::test]
async fn a_function_answers_with_an_object() {
    let source = "const getCustomJwtClaims = async ({ token, context, environmentVariables }) => {
        const { roles } = context.user;
        return { groups: roles.map(({ name }) => name), key: environmentVariables.KEY, from: token.jti };
    };";
    let payload = json!({
        "token": { "jti": "j1" },
        "context": { "user": { "roles": [{ "name": "admin" }, { "name": "ops" }] } },
        "environmentVariables": { "KEY": "k" },
    });
    let run = run_whole(&Engine::default(), source, &payload, Nowhere::fetching()).await;
    let claims = json!({ "groups": ["admin", "ops"], "key": "k", "from": "j1" });
    assert_eq!(run.outcome, Ok(Outcome::Returned(claims.as_object().unwrap().clone())));
}

#[tokio::test]
async fn a_function_that_returns_nothing_adds_nothing() {
    assert_eq!(answer("").await, json!({}));
    assert_eq!(answer("return null").await, json!({}));
    assert_eq!(answer("return Promise.resolve({ a: 1 })").await, json!({ "a": 1 }));
    assert_eq!(answer("return { then(done) { done({ a: 2 }) } }").await, json!({ "a": 2 }));
    assert_eq!(answer("return { a: undefined, f() {} }").await, json!({}));
}

#[tokio::test]
async fn a_denial_stands_whatever_the_script_does_next() {
    for body in [
        "payload.api.denyAccess('no')",
        "try { payload.api.denyAccess('no') } catch {} return { a: 1 }",
        "try { payload.api.denyAccess('no') } catch {} try { payload.api.denyAccess('yes') } catch {}",
        "try { payload.api.denyAccess('no') } catch {} for (;;);",
        "return Promise.resolve().then(() => payload.api.denyAccess('no')).catch(() => ({}))",
        "try { payload.api.denyAccess('no') } catch {} return new Promise(() => {})",
        "try { payload.api.denyAccess('no') } catch {} throw new Error('other')",
    ] {
        assert_eq!(run(body).await, Ok(Outcome::Denied("no".to_owned())), "{body}");
    }
    assert_eq!(
        run("payload.api.denyAccess()").await,
        Ok(Outcome::Denied("Access denied".to_owned()))
    );
}

#[tokio::test]
async fn endless_computation_is_ended() {
    for body in [
        "for (;;);",
        "return (async () => { for (;;) await 0 })()",
        "const again = () => queueMicrotask(again); again(); return new Promise(() => {})",
        "return { toJSON() { for (;;); } }",
        "return { get a() { for (;;); } }",
        "throw { toJSON() { for (;;); } }",
        "const e = new Error(); Object.defineProperty(e, 'message', { get() { for (;;); } }); throw e",
        "for (;;) { try { for (;;); } catch {} }",
        "try { for (;;); } finally { return { a: 1 } }",
        "return { a: /^(a+)+$/.test('a'.repeat(40) + 'b') }",
        "return { a: new Array(4294967295).forEach(() => {}) }",
    ] {
        assert_eq!(fails(body).await, ScriptError::Cpu, "{body}");
    }
}

#[tokio::test]
async fn memory_is_bounded() {
    for body in [
        "const all = []; for (;;) all.push({ a: all.length });",
        "return { a: 'x'.repeat(20 * 1024 * 1024) }",
        "let s = 'xxxxxxxx'; for (;;) { s += s; s.charCodeAt(1) }",
        "return { a: new Uint8Array(1e9).length }",
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, 'x'.repeat(1000) + i);",
        "return { a: 'a'.repeat(4e6).split('').length }",
    ] {
        assert_eq!(fails(body).await, ScriptError::Memory, "{body}");
    }
}

#[tokio::test]
async fn recursion_is_bounded() {
    for body in [
        "const deeper = () => deeper() + 1; deeper()",
        "return { a: JSON.parse('['.repeat(100000)) }",
        "let o = {}; for (let i = 0; i < 50000; i++) o = { o }; return o",
        "return { a: eval('('.repeat(100000)) }",
        "const o = {}; o.toString = () => o + ''; return { a: o + '' }",
    ] {
        assert_eq!(fails(body).await, ScriptError::Stack, "{body}");
    }
}

#[tokio::test]
async fn a_promise_that_nothing_settles_is_noticed_at_once() {
    assert_eq!(fails("return new Promise(() => {})").await, ScriptError::NeverSettled);
}

#[tokio::test]
async fn the_answer_is_bounded() {
    let long = format!("return {{ a: 'x'.repeat({}) }}", limits::ANSWER);
    assert_eq!(fails(&long).await, ScriptError::AnswerTooLong);
    let nested = |depth: usize| {
        format!("let o = 1; for (let i = 0; i < {depth}; i++) o = {{ o }}; return o")
    };
    assert!(run(&nested(limits::ANSWER_DEPTH)).await.is_ok());
    assert_eq!(fails(&nested(limits::ANSWER_DEPTH + 1)).await, ScriptError::AnswerTooDeep);
    // Brackets in texts are text.
    assert_eq!(
        answer("return { a: '[[[[[[[[[[[[[[[[[[[[\\\\\"{' }").await["a"],
        "[[[[[[[[[[[[[[[[[[[[\\\"{"
    );
    for body in ["return 5", "return 'x'", "return [1]", "return Symbol()", "return () => 1"] {
        assert_eq!(fails(body).await, ScriptError::NoObject, "{body}");
    }
    for body in ["const o = {}; o.o = o; return o", "return { a: 1n }", "return { a: '\\ud800' }"] {
        assert!(matches!(fails(body).await, ScriptError::NoJson(_)), "{body}");
    }
}

#[tokio::test]
async fn changed_prototypes_change_nothing_but_the_scripts_own_answer() {
    for tampering in [
        "JSON.stringify = () => '{\"sub\":\"x\"}'",
        "JSON.parse = () => ({ sub: 'x' })",
        "Promise.prototype.then = () => { throw 1 }",
        "Promise.resolve = undefined",
        "Map.prototype.get = Map.prototype.set = () => ({ resolve() {}, reject() {} })",
        "Object.defineProperty(Object.prototype, 'sub', { value: 'x', enumerable: false })",
        "Array.prototype.push = Array.prototype.map = () => 'x'",
        "globalThis.getCustomJwtClaims = 5; delete globalThis.fetch",
        "Object.freeze = Object.entries = () => ({})",
        "Function.prototype.call = Function.prototype.apply = () => 5",
    ] {
        assert_eq!(
            answer(&format!("{tampering}; return {{ a: 1 }}")).await,
            json!({ "a": 1 }),
            "{tampering}"
        );
    }
    let own = "Object.prototype.toJSON = () => ({ b: 2 }); return { a: 1 }";
    assert_eq!(answer(own).await, json!({ "b": 2 }));
    let api = "'use strict'; payload.api.denyAccess = () => {}";
    assert!(matches!(fails(api).await, ScriptError::Thrown { .. }));
}

#[tokio::test]
async fn nothing_is_left_for_the_next_run() {
    let engine = Engine::default();
    let source = "globalThis.count = (globalThis.count ?? 0) + 1;
        Object.prototype.leak = (Object.prototype.leak ?? 0) + 1;
        function getCustomJwtClaims() { return { count, leak: ({}).leak } }";
    for _ in 0..3 {
        let run = run_whole(&engine, source, &json!({}), Nowhere::fetching()).await;
        let Ok(Outcome::Returned(claims)) = run.outcome else { panic!("{run:?}") };
        assert_eq!(Value::Object(claims), json!({ "count": 1, "leak": 1 }));
    }
}

#[tokio::test]
async fn there_is_no_way_out() {
    let names = [
        "require",
        "process",
        "Deno",
        "Bun",
        "std",
        "os",
        "bjson",
        "module",
        "exports",
        "load",
        "print",
        "XMLHttpRequest",
        "WebSocket",
        "Worker",
        "setTimeout",
        "setInterval",
        "Atomics",
        "SharedArrayBuffer",
        "Proxy",
        "WeakRef",
        "performance",
        "__loadScript",
        "scriptArgs",
        "navigator",
        "importScripts",
    ];
    let found =
        format!("return {{ found: {}.filter((name) => name in globalThis) }}", json!(names));
    assert_eq!(answer(&found).await, json!({ "found": [] }));
    for module in [
        "fs",
        "std",
        "os",
        "./x.js",
        "/etc/passwd",
        "https://example.com/x.js",
        "data:text/javascript,1",
    ] {
        let error = fails(&format!("return import({module:?}).then(() => ({{}}))")).await;
        assert!(matches!(error, ScriptError::Thrown { .. }), "{module}: {error:?}");
    }
    let source = "import x from 'std'; function getCustomJwtClaims() {}";
    let imported = run_whole(&Engine::default(), source, &json!({}), Nowhere::fetching()).await;
    assert!(matches!(imported.outcome, Err(ScriptError::Syntax { .. })), "{imported:?}");
    // Code made at run time is under the same limits.
    assert_eq!(fails("return new Function('for (;;);')()").await, ScriptError::Cpu);
}

#[tokio::test]
async fn what_a_script_does_wrong_is_said_with_its_line() {
    let engine = Engine::default();
    let outcome = async |source: &str| {
        run_whole(&engine, source, &json!({}), Nowhere::fetching()).await.outcome.unwrap_err()
    };
    let thrown =
        outcome("function getCustomJwtClaims() {\n  throw new TypeError('bad key k-123')\n}").await;
    assert_eq!(thrown.to_string(), "it threw TypeError: bad key k-123 (line 2)");
    assert_eq!(thrown.in_our_words(), "it threw an error (line 2)");
    let wrong = outcome("\n\nconst = 5").await;
    assert!(matches!(&wrong, ScriptError::Syntax { line: Some(3), .. }), "{wrong:?}");
    assert_eq!(wrong.in_our_words(), "it cannot be compiled (line 3)");
    assert_eq!(outcome("const other = 1").await, ScriptError::NoFunction("getCustomJwtClaims"));
    assert_eq!(
        outcome("const getCustomJwtClaims = 1").await,
        ScriptError::NoFunction("getCustomJwtClaims")
    );
    assert_eq!(outcome("throw 'early'").await.to_string(), "it threw \"early\"");
    assert_eq!(outcome(&" ".repeat(limits::SCRIPT + 1)).await, ScriptError::TooLong);
    let long = outcome("throw new Error('x'.repeat(100000))").await.to_string();
    assert!(long.len() < 600, "{}", long.len());
}

#[tokio::test]
async fn what_is_written_to_the_console_is_kept_within_bounds() {
    let body = "console.log('a', { b: 1 }, [2], undefined); console.error('x'.repeat(10000));
        for (let i = 0; i < 1000; i++) console.info(i)";
    let source = format!("function getCustomJwtClaims(payload) {{ {body} }}");
    let run = run_whole(&Engine::default(), &source, &json!({}), Nowhere::fetching()).await;
    assert_eq!(run.console.len(), limits::CONSOLE.0);
    assert_eq!(run.console[0], "a {\"b\":1} [2] undefined");
    assert_eq!(run.console[1].len(), limits::CONSOLE.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_waits_for_ends() {
    let engine = Engine::default();
    for _ in 0..limits::RUNS * 2 {
        let job = support::job(
            "return new Promise(() => fetch('https://slow.test/'))",
            support::Slow::fetching(),
        );
        // Longer than it takes to start, far shorter than the run.
        let _ = tokio::time::timeout(Duration::from_millis(20), engine.run(job)).await;
    }
    let job = support::job("return { a: 1 }", Nowhere::fetching());
    assert!(engine.run(job).await.outcome.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_scripts_than_turns_wait_and_then_give_up() {
    let engine = Engine::default();
    let source = "return fetch('https://slow.test/').then(() => ({}))";
    let all =
        (0..limits::RUNS + 1).map(|_| engine.run(support::job(source, support::Slow::fetching())));
    let ended = futures_util::future::join_all(all).await;
    let busy = ended.iter().filter(|run| run.outcome == Err(ScriptError::Busy)).count();
    let late = ended.iter().filter(|run| run.outcome == Err(ScriptError::Clock)).count();
    assert_eq!((busy, late), (1, limits::RUNS));
}
