//! Just enough HTTP/1.1 to talk to the programs xtask starts on this machine.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::Result;

const TIMEOUT: Duration = Duration::from_secs(30);
const LARGEST_REPLY: u64 = 16 * 1024 * 1024;

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// One request to `localhost:port`. `headers` are whole lines without their line end.
pub(crate) fn request(
    port: u16,
    method: &str,
    path: &str,
    headers: &[String],
    body: &str,
) -> Result<Reply> {
    let failed = |error: std::io::Error| format!("{method} localhost:{port}{path}: {error}.");
    let mut stream = connect(port, TIMEOUT).map_err(failed)?;
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\
         content-length: {}\r\n",
        body.len()
    );
    for line in headers {
        head.push_str(line);
        head.push_str("\r\n");
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).map_err(failed)?;
    let mut reply = Vec::new();
    stream.take(LARGEST_REPLY).read_to_end(&mut reply).map_err(failed)?;
    parse(&reply).ok_or(format!("{method} localhost:{port}{path} did not answer in HTTP."))
}

/// The status of `GET path`, when there is an answer at all.
pub(crate) fn status(port: u16, path: &str) -> Option<u16> {
    request(port, "GET", path, &[], "").ok().map(|reply| reply.status)
}

/// A port nobody listens on at the moment.
pub(crate) fn free_port() -> Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("this machine has no free port: {error}."))
}

/// `wanted` when it is free, any free port when it is 0, otherwise a sentence naming it.
pub(crate) fn choose_port(wanted: u16, flag: &str) -> Result<u16> {
    if wanted == 0 {
        return free_port();
    }
    let busy = || {
        format!(
            "port {wanted} is in use by another program; stop it, or choose another port with \
             `{flag} N` (`{flag} 0` picks a free one)."
        )
    };
    if connect(wanted, Duration::from_millis(300)).is_ok() {
        return Err(busy());
    }
    match TcpListener::bind((Ipv4Addr::UNSPECIFIED, wanted)) {
        Ok(_) => Ok(wanted),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(busy()),
        Err(error) => Err(format!("port {wanted} cannot be used: {error}.")),
    }
}

fn connect(port: u16, timeout: Duration) -> std::io::Result<TcpStream> {
    let addresses: [SocketAddr; 2] =
        [(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()];
    let stream = TcpStream::connect_timeout(&addresses[0], timeout)
        .or_else(|_| TcpStream::connect_timeout(&addresses[1], timeout))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

fn parse(reply: &[u8]) -> Option<Reply> {
    let end = reply.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&reply[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let chunked = lines.any(|line| {
        let line = line.to_ascii_lowercase();
        line.starts_with("transfer-encoding:") && line.contains("chunked")
    });
    let body = &reply[end + 4..];
    let body = if chunked { dechunk(body)? } else { body.to_vec() };
    Some(Reply { status, body: String::from_utf8(body).ok()? })
}

/// RFC 9112 §7.1, without trailers.
fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size.checked_add(2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_read_whether_or_not_it_comes_in_chunks() {
        let plain = b"HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\nlatch";
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
            3\r\nlat\r\n2;x=y\r\nch\r\n0\r\n\r\n";
        for (reply, status) in [(&plain[..], 201), (&chunked[..], 200)] {
            let reply = parse(reply).expect("a reply");
            assert_eq!((reply.status, reply.body.as_str()), (status, "latch"));
        }
    }

    #[test]
    fn a_truncated_or_foreign_reply_is_refused() {
        let cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nlatch";
        for reply in [&b"SSH-2.0-OpenSSH\r\n"[..], b"", b"HTTP/1.1 hello\r\n\r\n", cut] {
            assert!(parse(reply).is_none());
        }
    }

    #[test]
    fn a_busy_port_is_named_together_with_the_way_out() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let error = choose_port(port, "--app-port").expect_err("it is in use");
        assert!(error.contains(&port.to_string()) && error.contains("--app-port"), "{error}");
    }
}
