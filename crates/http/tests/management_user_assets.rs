//! Uploads at the door: `/api/user-assets` and the tenant's own pages, on a disk and in a bucket on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method as HttpMethod, StatusCode, Uri};
use serde_json::json;
use tokio::net::TcpListener;
use trinco_connectors::outbound::{Allow, Outbound};
use trinco_core::Secret;
use trinco_core::assets::{Disk, S3, S3Settings, Storage};
use trinco_testkit::{Admin, Answer, Method, Server, text};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n a picture as far as its first bytes go";
const PAGES: &str = "/api/sign-in-exp/default/custom-ui-assets";

/// Sends a file as a form does, under another name and type than it has.
async fn send(server: &Server, admin: &Admin, path: &str, part: &str, file: &[u8]) -> Answer {
    let mut body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let request = server
        .browser()
        .request(Method::POST, path)
        .bearer_auth(admin.token())
        .header("content-type", "multipart/form-data; boundary=b")
        .body(body);
    Answer::to(request).await
}

fn code(answer: Answer, status: u16) -> String {
    text(&answer.expect(status).json(), "/code").to_owned()
}

fn path_of(server: &Server, url: &str) -> String {
    url.strip_prefix(server.base()).expect("below the server").to_owned()
}

async fn on_disk() -> (Server, tempfile::TempDir) {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(folder.path().join("files"));
    server.installation().set_storage(Storage::Disk(disk));
    (server, folder)
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        writer.start_file(*path, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_picture_is_served_as_what_it_is_and_where_nothing_in_it_can_run() {
    let (server, _folder) = on_disk().await;
    let admin = server.admin().await;
    let status = admin.get("/api/user-assets/service-status").await.expect(200).json();
    assert_eq!(
        (&status["status"], &status["maxUploadFileSize"]),
        (&json!("ready"), &json!(8_388_608))
    );
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for (file, kind, end) in [(PNG, "image/png", ".png"), (svg.as_slice(), "image/svg+xml", ".svg")]
    {
        let uploaded = send(&server, &admin, "/api/user-assets", "file", file).await.expect(200);
        let url = text(&uploaded.json(), "/url").to_owned();
        assert!(url.ends_with(end), "{url}");
        let request = server.browser().request(Method::GET, &path_of(&server, &url));
        let served = request.send().await.unwrap();
        let header = |name: &str| served.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), kind);
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("content-disposition"), "inline");
        assert!(header("content-security-policy").contains("sandbox"));
        assert!(header("cache-control").contains("immutable"));
        assert_eq!(served.bytes().await.unwrap(), file);
    }
}

#[tokio::test]
async fn what_is_no_picture_or_too_large_is_refused() {
    let (server, _folder) = on_disk().await;
    let admin = server.admin().await;
    let send = |part: &'static str, file: Vec<u8>| {
        let (server, admin) = (&server, &admin);
        async move { send(server, admin, "/api/user-assets", part, &file).await }
    };
    assert_eq!(code(send("file", b"<html>".to_vec()).await, 400), "guard.mime_type_not_allowed");
    assert_eq!(code(send("other", PNG.to_vec()).await, 400), "guard.invalid_input");
    let mut large = PNG.to_vec();
    large.resize(8 * 1024 * 1024, 0);
    send("file", large.clone()).await.expect(200);
    large.push(0);
    assert_eq!(code(send("file", large.clone()).await, 400), "guard.file_size_exceeded");
    large.resize(9 * 1024 * 1024, 0);
    assert_eq!(code(send("file", large).await, 400), "guard.file_size_exceeded");
    let no_form = admin.post("/api/user-assets", json!({})).await;
    assert_eq!(code(no_form, 400), "guard.invalid_input");
    let nobody = server.browser().request(Method::POST, "/api/user-assets");
    assert_eq!(Answer::to(nobody).await.status, 401);
}

#[tokio::test]
async fn only_names_that_were_given_out_lead_to_files() {
    let (server, folder) = on_disk().await;
    let admin = server.admin().await;
    let uploaded = send(&server, &admin, "/api/user-assets", "file", PNG).await.expect(200);
    let url = text(&uploaded.json(), "/url").to_owned();
    let path = path_of(&server, &url);
    std::fs::write(folder.path().join("files/default/images/secret.txt"), "x").unwrap();
    let other = path.replace(".png", ".gif");
    for path in [
        "/user-assets/secret.txt",
        "/user-assets/..%2f..%2fsecret.txt",
        &other,
        "/user-assets/aaaaaaaaaaaaaaaaaaaaa.png",
        &format!("/admin{path}"),
    ] {
        let answer = Answer::to(server.browser().request(Method::GET, path)).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    server.browser().get(&path).await.expect(200);
    let left: Vec<_> = std::fs::read_dir(folder.path().join("files/default/images"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "no half file is left: {left:?}");
}

#[tokio::test]
async fn without_a_place_for_files_nothing_is_uploaded() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let status = admin.get("/api/user-assets/service-status").await.expect(200).json();
    assert_eq!(status, json!({ "status": "not_configured" }));
    let picture = send(&server, &admin, "/api/user-assets", "file", PNG).await;
    assert_eq!(code(picture, 400), "storage.not_configured");
    let pages = send(&server, &admin, PAGES, "file", &archive(&[("index.html", b"x")])).await;
    assert_eq!(code(pages, 400), "storage.not_configured");
}

#[tokio::test]
async fn own_pages_are_unpacked_whole_or_not_at_all() {
    let (server, folder) = on_disk().await;
    let admin = server.admin().await;
    let files: [(&str, &[u8]); 2] = [("index.html", b"<!doctype html>"), ("js/app.js", b"go()")];
    let answer = send(&server, &admin, PAGES, "file", &archive(&files)).await.expect(200).json();
    let id = text(&answer, "/customUiAssetId").to_owned();
    assert_eq!(id.len(), 8);
    let pages = folder.path().join("files/default/pages");
    assert_eq!(std::fs::read(pages.join(&id).join("js/app.js")).unwrap(), b"go()");
    for bad in [
        archive(&[("index.html", b"x"), ("../../evil.html", b"x")]),
        archive(&[("page.html", b"x")]),
        b"no archive".to_vec(),
    ] {
        let refused = send(&server, &admin, PAGES, "file", &bad).await.expect(400).json();
        assert_eq!(refused["code"], "guard.invalid_input");
        assert_eq!(refused["data"]["issues"][0]["path"], json!(["file"]));
    }
    assert_eq!(std::fs::read_dir(&pages).unwrap().count(), 1, "nothing of those was kept");
    assert!(!folder.path().join("evil.html").exists());
}

/// A bucket on loopback: what is put can be got, by requests that are signed.
#[derive(Clone, Default)]
struct Bucket {
    objects: Arc<Mutex<BTreeMap<String, (String, Bytes)>>>,
}

impl Bucket {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/bucket", listener.local_addr().unwrap().port());
        let router = Router::new()
            .fallback(Self::answer)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn answer(
        State(this): State<Self>,
        method: HttpMethod,
        uri: Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> (StatusCode, Bytes) {
        let header = |name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let signed = "AWS4-HMAC-SHA256 Credential=ID/";
        if !header("authorization").starts_with(signed) || header("x-amz-date").len() != 16 {
            return (StatusCode::FORBIDDEN, Bytes::from_static(b"<Error>AccessDenied</Error>"));
        }
        let mut objects = this.objects.lock().unwrap();
        let path = uri.path().to_owned();
        if path.contains("/images/") && body.ends_with(b"full") {
            return (StatusCode::INSUFFICIENT_STORAGE, Bytes::from_static(b"full"));
        }
        if method == HttpMethod::PUT {
            objects.insert(path, (header("content-type").to_owned(), body));
            return (StatusCode::OK, Bytes::new());
        }
        objects.get(&path).map_or_else(
            || (StatusCode::NOT_FOUND, Bytes::new()),
            |(_, bytes)| (StatusCode::OK, bytes.clone()),
        )
    }
}

#[tokio::test]
async fn files_are_kept_in_a_bucket() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let bucket = Bucket::default();
    let settings = S3Settings {
        url: bucket.start().await.parse().unwrap(),
        region: "eu-central-1".to_owned(),
        access_key_id: "ID".to_owned(),
        secret_access_key: Secret::new("KEY".to_owned()),
    };
    let allow: Vec<Allow> = vec!["127.0.0.1".parse().unwrap()];
    let s3 = S3::new(settings, Outbound::new(allow).unwrap(), 10 * 1024 * 1024);
    server.installation().set_storage(Storage::S3(Box::new(s3)));

    let uploaded = send(&server, &admin, "/api/user-assets", "file", PNG).await.expect(200);
    let url = text(&uploaded.json(), "/url").to_owned();
    let path = path_of(&server, &url);
    let served = server.browser().request(Method::GET, &path).send().await.unwrap();
    assert_eq!(served.headers()["content-type"], "image/png");
    assert_eq!(served.bytes().await.unwrap(), PNG);
    let missing = server.browser().request(Method::GET, "/user-assets/aaaaaaaaaaaaaaaaaaaaa.png");
    assert_eq!(Answer::to(missing).await.status, 404);

    let files: [(&str, &[u8]); 2] = [("index.html", b"<!doctype html>"), ("app.js", b"go()")];
    let answer = send(&server, &admin, PAGES, "file", &archive(&files)).await.expect(200).json();
    let id = text(&answer, "/customUiAssetId");
    {
        let objects = bucket.objects.lock().unwrap();
        let of = |name: &str| objects[&format!("/bucket/default/pages/{id}/{name}")].clone();
        assert_eq!(of("app.js").0, "text/javascript; charset=utf-8");
        assert_eq!(of("index.html").1, files[0].1);
    }
    let full = [PNG, b"full"].concat();
    let refused = send(&server, &admin, "/api/user-assets", "file", &full).await;
    assert_eq!(code(refused, 500), "storage.upload_error");
}
