//! A log that was torn by a power cut, and a disk that is full.

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::{has, random};
use crate::http::{Answer, Http};
use crate::running::{Place, json};

/// Creates a user.
fn create(http: &mut Http, bearer: &str, username: &str) -> Answer {
    let headers = [("authorization", bearer), ("content-type", "application/json")];
    http.send("POST", "/api/users", &headers, &format!(r#"{{"username":"{username}"}}"#)).unwrap()
}

fn copy_data(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in ["trinco.db", "trinco.db-wal", "master.key"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

#[test]
fn a_torn_log_loses_nothing_that_came_before_the_tear() {
    const TEARS: u64 = 8;
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    let mut server = place.serve();
    let bearer = format!("Bearer {}", server.token(&credentials));
    let mut http = server.http();
    let mut kept: Vec<String> = Vec::new();
    for name in ["ana", "bia", "caio"] {
        let answer = create(&mut http, &bearer, name);
        assert_eq!(answer.status, 200, "{answer:?}");
        kept.push(answer.text("/id"));
    }
    let data = place.path().join("data");
    let log = data.join("trinco.db-wal");
    let before = fs::metadata(&log).unwrap().len();
    // The write that the power cut comes into.
    let last = create(&mut http, &bearer, "davi");
    assert_eq!(last.status, 200, "{last:?}");
    let after = fs::metadata(&log).unwrap().len();
    assert!(after > before, "the last write is in the log: {before} {after}");
    server.kill();

    for tear in 0..TEARS {
        let torn = Place::new();
        let folder = torn.path().join("data");
        copy_data(&data, &folder);
        let end = before + (after - before) * tear / TEARS;
        let mut file = OpenOptions::new().write(true).open(folder.join("trinco.db-wal")).unwrap();
        file.set_len(end).unwrap();
        if tear % 2 == 1 {
            // The file had grown already, and what it has there is whatever the disk had.
            file.seek(SeekFrom::End(0)).unwrap();
            let garbage: Vec<u8> = (end..after).map(|_| random() as u8).collect();
            file.write_all(&garbage).unwrap();
        }
        drop(file);
        let server = torn.serve();
        let bearer = format!("Bearer {}", server.token(&credentials));
        let mut http = server.http();
        let headers = [("authorization", bearer.as_str())];
        for id in &kept {
            let answer = http.send("GET", &format!("/api/users/{id}"), &headers, "").unwrap();
            assert_eq!(answer.status, 200, "{id} is lost by tear {tear}: {answer:?}");
        }
        let path = format!("/api/users/{}", last.text("/id"));
        let answer = http.send("GET", &path, &headers, "").unwrap();
        assert_eq!(answer.status, 404, "half a write is none: {answer:?}");
        // What was torn away can be written again.
        let again = create(&mut http, &bearer, "davi");
        assert_eq!(again.status, 200, "{again:?}");
    }
}

/// A small disk of the server's own. `/proc` shows it to us, while nobody else sees it.
const SMALL_DISK: &str = "mount -t tmpfs -o size=6m,mode=700 tmpfs disk && cp -p data/* disk && \
     dd if=/dev/zero of=disk/ballast bs=1M count=2 status=none && exec \"$0\" \"$@\" --data disk";

#[test]
fn a_full_disk_refuses_writes_until_there_is_room_again() {
    let namespace = ["--mount", "--user", "--map-root-user"];
    if !has("unshare", &[&namespace[..], &["mount", "-t", "tmpfs", "tmpfs", "/mnt"]].concat()) {
        return;
    }
    let place = Place::new();
    let credentials = json(&place.done(&["init", "--json"]));
    fs::create_dir(place.path().join("disk")).unwrap();
    let arguments = [&namespace[..], &["--", "sh", "-c", SMALL_DISK]].concat();
    let mut server = place.serve_by("unshare", &arguments);
    let bearer = format!("Bearer {}", server.token(&credentials));
    let mut http = server.http();

    let mut kept = Vec::new();
    let full = loop {
        assert!(kept.len() < 50_000, "the disk does not get full");
        let answer = create(&mut http, &bearer, &format!("u{}", kept.len()));
        if answer.status != 200 {
            break answer;
        }
        kept.push(answer.text("/id"));
    };
    println!("full after {} users", kept.len());
    assert_unavailable(&full);
    // Reading goes on, and whoever needs a write is told the same.
    let headers = [("authorization", bearer.as_str())];
    let found = http.send("GET", &format!("/api/users/{}", kept[0]), &headers, "").unwrap();
    assert_eq!(found.status, 200, "{found:?}");
    let jwks = http.send("GET", "/oidc/jwks", &[], "").unwrap();
    assert_eq!(jwks.status, 200, "{jwks:?}");
    for attempt in 0..20 {
        let refused = create(&mut http, &bearer, &format!("refused{attempt}"));
        assert_unavailable(&refused);
    }
    // An entry of the audit log is smaller than a user: a few may still find room.
    let refused = (0..1_000)
        .map(|_| server.token_answer(&credentials))
        .find(|answer| answer.status != 200)
        .expect("there is no room for a thousand");
    assert_unavailable(&refused);

    // Somebody makes room: it goes on without a restart.
    let seen = PathBuf::from(format!("/proc/{}/cwd/disk", server.pid()));
    fs::remove_file(seen.join("ballast")).unwrap();
    let again = create(&mut http, &bearer, "afterwards");
    assert_eq!(again.status, 200, "{again:?}");
    kept.push(again.text("/id"));
    let bearer = format!("Bearer {}", server.token(&credentials));
    for id in &kept {
        let headers = [("authorization", bearer.as_str())];
        let answer = http.send("GET", &format!("/api/users/{id}"), &headers, "").unwrap();
        assert_eq!(answer.status, 200, "{id} was acknowledged and is lost: {answer:?}");
    }
    server.terminate();
    let (status, log) = server.ended();
    assert!(status.success(), "{log}");
}

/// 503, and when to try again.
fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{answer:?}");
}
