//! A kill does not prove that data reached the disk: the kernel writes it later all the same. The system calls do.

use std::fs;

use super::has;
use crate::running::{Place, json};

/// A line of the trace that matters.
#[derive(Debug, PartialEq, Eq)]
enum Call {
    /// Something was written to the log of the database.
    LogWritten,
    /// What was written to the log until the call began is on the disk.
    LogSynced,
    /// A write was acknowledged.
    Acknowledged,
}

/// Reads a trace of `strace -f -y`. A call of one thread that others interrupt has two lines: a write counts from the first, a sync
/// from the second, when it has ended.
fn read(trace: &str) -> Vec<Call> {
    let mut syncing = Vec::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap_or_default();
        let call = call.trim_start();
        let of_log = call.contains("trinco.db-wal>");
        let is_sync = call.starts_with("fdatasync(") || call.starts_with("fsync(");
        let succeeded = call.ends_with("= 0");
        if call.starts_with("pwrite64(") && of_log {
            calls.push(Call::LogWritten);
        } else if is_sync && of_log && call.ends_with("<unfinished ...>") {
            syncing.push(thread);
        } else if is_sync && of_log && succeeded {
            calls.push(Call::LogSynced);
        } else if call.starts_with("<... f") && call.contains("sync resumed>") {
            let before = syncing.len();
            syncing.retain(|other| *other != thread);
            if syncing.len() < before && succeeded {
                calls.push(Call::LogSynced);
            }
        } else if call.contains("\"HTTP/1.1 200") || call.contains("\"HTTP/1.1 201") {
            calls.push(Call::Acknowledged);
        }
    }
    calls
}

/// How many acknowledgements came after a sync of everything that had been written to the log, each for a write of its own; `None`
/// when one came before.
fn acknowledged_after_sync(calls: &[Call]) -> Option<usize> {
    let (mut count, mut written, mut synced) = (0, false, false);
    for call in calls {
        match call {
            Call::LogWritten => (written, synced) = (true, false),
            Call::LogSynced => synced = true,
            Call::Acknowledged if written && !synced => return None,
            Call::Acknowledged => {
                count += usize::from(written);
                written = false;
            }
        }
    }
    Some(count)
}

#[test]
fn an_acknowledgement_comes_after_the_sync_of_what_it_acknowledges() {
    const WRITES: usize = 20;
    if !has("strace", &["-f", "true"]) {
        return;
    }
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    // -D: the tracer is the child, so that the process that was started is the server.
    let calls = "trace=pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg";
    let tracer = ["-D", "-f", "-y", "-s", "32", "-o", "trace", "-e", calls];
    let mut server = place.serve_by("strace", &tracer);
    let bearer = format!("Bearer {}", server.token(&credentials));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let mut http = server.http();
    for write in 0..WRITES {
        let body = format!(r#"{{"username":"user{write}"}}"#);
        let answer = http.send("POST", "/api/users", &headers, &body).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    drop(http);
    server.terminate();
    let (status, log) = server.ended();
    assert!(status.success(), "{log}");
    let calls = read(&fs::read_to_string(place.path().join("trace")).unwrap());
    let after_sync = acknowledged_after_sync(&calls);
    // The token's audit entry is a write, too.
    assert!(after_sync.is_some_and(|count| count >= WRITES), "{after_sync:?} in {calls:?}");
}

#[test]
fn a_trace_is_read_as_it_happened() {
    let trace = "7 pwrite64(9</d/trinco.db-wal>, \"x\", 1, 0) = 1\n\
                 8 write(3<socket:[1]>, \"HTTP/1.1 200 OK\"..., 9) = 9\n\
                 7 fdatasync(9</d/trinco.db-wal> <unfinished ...>\n\
                 8 fdatasync(4</d/other>) = 0\n\
                 7 <... fdatasync resumed>) = 0\n\
                 7 fdatasync(9</d/trinco.db-wal>) = -1 EIO (Input/output error)\n";
    let calls = read(trace);
    assert_eq!(calls, [Call::LogWritten, Call::Acknowledged, Call::LogSynced]);
    assert_eq!(acknowledged_after_sync(&calls), None);
    let right = [Call::LogWritten, Call::LogSynced, Call::Acknowledged, Call::Acknowledged];
    assert_eq!(acknowledged_after_sync(&right), Some(1));
}
