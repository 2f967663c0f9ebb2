//! AWS Signature Version 4: shows AWS, and what speaks as AWS does, who sends a request.

use aws_lc_rs::{digest, hmac};
use http::{HeaderName, HeaderValue};
use url::Url;

use crate::outbound::Request;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// An access key.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// Its id, which is no secret.
    pub access_key_id: &'a str,
    /// The key.
    pub secret: &'a str,
}

/// Signs a request with every header it has by now, adding `x-amz-date`, `x-amz-content-sha256` and `authorization`. `now`: Unix seconds.
/// The path of the URL must be percent-encoded as it is to be sent, as a [`Url`] is.
pub fn sign(
    request: &mut Request,
    credentials: &Credentials<'_>,
    region: &str,
    service: &str,
    now: i64,
) {
    let time = basic_time(now);
    let date = &time[..8];
    let body_hash = hex(digest::digest(&digest::SHA256, &request.body).as_ref());
    set(request, "x-amz-date", &time);
    set(request, "x-amz-content-sha256", &body_hash);
    let (names, canonical) = canonical(request, service, &body_hash);
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let canonical_hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{canonical_hash}");
    let mut key = hmac_of(format!("AWS4{}", credentials.secret).as_bytes(), date);
    for part in [region, service, "aws4_request"] {
        key = hmac_of(key.as_ref(), part);
    }
    let signature = hex(hmac_of(key.as_ref(), &to_sign).as_ref());
    let id = credentials.access_key_id;
    let authorization = format!(
        "{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    set(request, "authorization", &authorization);
}

/// The names of the signed headers, and what is signed.
fn canonical(request: &Request, service: &str, body_hash: &str) -> (String, String) {
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect();
    headers.push(("host".to_owned(), authority(&request.url)));
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let mut query: Vec<(String, String)> =
        request.url.query_pairs().map(|(name, value)| (encoded(&name), encoded(&value))).collect();
    query.sort();
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    // All services but S3 encode the path once more.
    let path = match service {
        "s3" => request.url.path().to_owned(),
        _ => request.url.path().split('/').map(encoded).collect::<Vec<_>>().join("/"),
    };
    let method = request.method.as_str();
    let canonical = format!("{method}\n{path}\n{}\n{lines}\n{names}\n{body_hash}", query.join("&"));
    (names, canonical)
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn set(request: &mut Request, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        request.headers.insert(HeaderName::from_static(name), value);
    }
}

fn hmac_of(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// RFC 3986: everything but unreserved characters.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// ISO 8601 in its basic form, such as `20150830T123600Z`.
fn basic_time(now: i64) -> String {
    let (days, seconds) = (now.div_euclid(86_400), now.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar. Years begin in March here, so that the leap day is
/// their last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, time) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(basic_time(seconds), time);
        }
    }

    /// The example of the AWS documentation, “Signature calculations for the Authorization header”, GET Object.
    #[test]
    fn the_example_of_the_documentation_has_its_signature() {
        let mut headers = HeaderMap::new();
        headers.insert("range", HeaderValue::from_static("bytes=0-9"));
        let mut request = Request {
            method: Method::GET,
            url: Url::parse("https://examplebucket.s3.amazonaws.com/test.txt").unwrap(),
            headers,
            body: Bytes::new(),
        };
        let credentials = Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        };
        sign(&mut request, &credentials, "us-east-1", "s3", 1_369_353_600);
        let authorization = request.headers["authorization"].to_str().unwrap();
        assert_eq!(
            authorization,
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
    }
}
