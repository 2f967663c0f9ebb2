//! Files in a bucket that speaks the S3 protocol, with requests signed by version 4 of AWS's signatures.

use aws_lc_rs::{digest, hmac};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use trinco_connectors::outbound::{Outbound, Request, Response};
use url::Url;

use super::key::Key;
use crate::Secret;
use crate::calendar::iso8601;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// How to reach a bucket.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The bucket's own URL: the keys of files are put behind it. Such as `https://bucket.s3.eu-central-1.amazonaws.com` or
    /// `https://minio.example.com/bucket`.
    pub url: Url,
    /// The region that signatures name.
    pub region: String,
    /// Whose signatures they are.
    pub access_key_id: String,
    /// What they are made with.
    pub secret_access_key: Secret,
}

/// A bucket.
#[derive(Clone, Debug)]
pub struct S3 {
    settings: S3Settings,
    outbound: Outbound,
}

impl S3 {
    /// Requests pass the guard `outbound`. An answer holds at most `limit` bytes.
    pub fn new(settings: S3Settings, outbound: Outbound, limit: usize) -> Self {
        Self { settings, outbound: outbound.with_response_limit(limit) }
    }

    pub(super) async fn put(
        &self,
        key: &Key,
        content_type: &'static str,
        bytes: Bytes,
        now_ms: i64,
    ) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let answer = self.send(Method::PUT, key, headers, bytes, now_ms).await?;
        if answer.status.is_success() { Ok(()) } else { Err(told(&answer)) }
    }

    pub(super) async fn get(&self, key: &Key, now_ms: i64) -> Result<Option<Bytes>, String> {
        let answer = self.send(Method::GET, key, HeaderMap::new(), Bytes::new(), now_ms).await?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(told(&answer)),
        }
    }

    async fn send(
        &self,
        method: Method,
        key: &Key,
        mut headers: HeaderMap,
        body: Bytes,
        now_ms: i64,
    ) -> Result<Response, String> {
        let mut url = self.settings.url.clone();
        let path = format!("{}/{key}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return Err("the bucket's URL has no host".to_owned()),
        };
        let signing = Signing {
            settings: &self.settings,
            method: method.as_str(),
            path: &path,
            host: &host,
            payload_hash: hex(digest::digest(&digest::SHA256, &body).as_ref()),
            time: timestamp(now_ms),
        };
        let value = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|_| "the settings of the bucket hold a character no header can".to_owned())
        };
        headers.insert("x-amz-content-sha256", value(&signing.payload_hash)?);
        headers.insert("x-amz-date", value(&signing.time)?);
        let authorization = value(&signing.authorization(&headers)?)?;
        headers.insert(header::AUTHORIZATION, authorization);
        let request = Request { method, url, headers, body };
        self.outbound.send(request).await.map_err(|error| error.to_string())
    }
}

/// What the bucket said, shortened: for the log.
fn told(answer: &Response) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let text: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
    format!("the bucket answered {}: {text}", answer.status)
}

/// A request that is about to be signed.
struct Signing<'a> {
    settings: &'a S3Settings,
    method: &'a str,
    /// Of characters that need no encoding.
    path: &'a str,
    host: &'a str,
    payload_hash: String,
    /// `20130524T000000Z`
    time: String,
}

impl Signing<'_> {
    /// The header `Authorization` over all of `headers`, and `Host`.
    fn authorization(&self, headers: &HeaderMap) -> Result<String, String> {
        let mut signed: Vec<(&str, &str)> = vec![("host", self.host)];
        for (name, value) in headers {
            let name: &HeaderName = name;
            let value = value.to_str().map_err(|_| format!("the header {name} is not text"))?;
            signed.push((name.as_str(), value.trim()));
        }
        signed.sort_unstable();
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String =
            signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let canonical =
            format!("{}\n{}\n\n{lines}\n{names}\n{}", self.method, self.path, self.payload_hash);
        let day = &self.time[..8];
        let scope = format!("{day}/{}/s3/aws4_request", self.settings.region);
        let hashed = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{hashed}", self.time);
        let signature = hex(&self.sign(day, &to_sign));
        let id = &self.settings.access_key_id;
        Ok(format!(
            "{ALGORITHM} Credential={id}/{scope},SignedHeaders={names},Signature={signature}"
        ))
    }

    fn sign(&self, day: &str, text: &str) -> Vec<u8> {
        let secret = format!("AWS4{}", self.settings.secret_access_key.reveal());
        let steps = [day, &self.settings.region, "s3", "aws4_request", text];
        steps.iter().fold(secret.into_bytes(), |key, step| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
            hmac::sign(&key, step.as_bytes()).as_ref().to_vec()
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// ISO 8601's basic form, in UTC and without parts of a second: `20130524T000000Z`.
fn timestamp(now_ms: i64) -> String {
    let extended = iso8601(now_ms);
    let seconds = extended.split('.').next().unwrap_or_default();
    format!("{}Z", seconds.replace(['-', ':'], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example request of AWS's own description of these signatures.
    #[test]
    fn the_documented_example_has_its_documented_signature() {
        let settings = S3Settings {
            url: Url::parse("https://examplebucket.s3.amazonaws.com").unwrap(),
            region: "us-east-1".to_owned(),
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
        };
        let signing = Signing {
            settings: &settings,
            method: "GET",
            path: "/test.txt",
            host: "examplebucket.s3.amazonaws.com",
            payload_hash: hex(digest::digest(&digest::SHA256, b"").as_ref()),
            time: timestamp(1_369_353_600_000),
        };
        let mut headers = HeaderMap::new();
        headers.insert("range", HeaderValue::from_static("bytes=0-9"));
        let hash = HeaderValue::from_str(&signing.payload_hash).unwrap();
        headers.insert("x-amz-content-sha256", hash);
        headers.insert("x-amz-date", HeaderValue::from_static("20130524T000000Z"));
        assert_eq!(
            signing.authorization(&headers).unwrap(),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,\
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
    }
}
