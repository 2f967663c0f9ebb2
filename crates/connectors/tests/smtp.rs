//! E-mail, to a small mail server on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::needless_pass_by_value, reason = "changes are written where they are made")]

use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use trinco_connectors::messages::{Message, SendError, Service};
use trinco_connectors::outbound::{Allow, Outbound, OutboundError};

/// What a server does.
#[derive(Clone, Copy, Default)]
struct Habits {
    /// TLS from the first byte.
    is_secure: bool,
    offers_tls: bool,
    offers_login: bool,
    refuses_recipients: bool,
    /// Someone between adds to what the server says before TLS.
    is_injected: bool,
}

/// A mail server; its port, and everything it is told.
async fn server(habits: Habits) -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&told);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not like what it hears ends the connection.
            let _ = serve(stream, habits, &log).await;
        }
    });
    (port, told)
}

async fn serve(stream: TcpStream, habits: Habits, log: &Mutex<String>) -> std::io::Result<()> {
    if habits.is_secure {
        let stream = acceptor().accept(stream).await?;
        return dialog(BufStream::new(stream), habits, log, true).await.map(|_| ());
    }
    if let Some(stream) = dialog(BufStream::new(stream), habits, log, true).await? {
        let stream = acceptor().accept(stream.into_inner()).await?;
        let habits = Habits { offers_tls: false, ..habits };
        dialog(BufStream::new(stream), habits, log, false).await?;
    }
    Ok(())
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("data/localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("data/localhost.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Returns the stream when TLS is to begin.
async fn dialog<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: BufStream<S>,
    habits: Habits,
    log: &Mutex<String>,
    greets: bool,
) -> std::io::Result<Option<BufStream<S>>> {
    if greets {
        say(&mut stream, "220-hello\r\n220 there").await?;
    }
    let mut is_text = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        log.lock().unwrap().push_str(&line);
        let line = line.trim_end();
        if is_text {
            is_text = line != ".";
            if !is_text {
                say(&mut stream, "250 taken").await?;
            }
            continue;
        }
        match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => {
                let ways = if habits.offers_login { "LOGIN" } else { "PLAIN LOGIN" };
                let tls = if habits.offers_tls { "250-STARTTLS\r\n" } else { "" };
                say(&mut stream, &format!("250-me\r\n{tls}250-AUTH {ways}\r\n250 8BITMIME"))
                    .await?;
            }
            "STARTTLS" => {
                let added = if habits.is_injected { "\r\n250 AUTH PLAIN" } else { "" };
                say(&mut stream, &format!("220 go{added}")).await?;
                return Ok(Some(stream));
            }
            "AUTH" if line == "AUTH LOGIN" => say(&mut stream, "334 VXNlcm5hbWU6").await?,
            "AUTH" | "cA==" => say(&mut stream, "235 in").await?,
            "dQ==" => say(&mut stream, "334 UGFzc3dvcmQ6").await?,
            "RCPT" if habits.refuses_recipients => say(&mut stream, "550 nobody here").await?,
            "DATA" => {
                is_text = true;
                say(&mut stream, "354 go").await?;
            }
            "QUIT" => return Ok(None),
            _ => say(&mut stream, "250 fine").await?,
        }
    }
}

async fn say<S: AsyncWrite + AsyncRead + Unpin>(
    stream: &mut BufStream<S>,
    text: &str,
) -> std::io::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    stream.write_all(b"\r\n").await?;
    stream.flush().await
}

fn outbound() -> Outbound {
    let mut authorities = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(include_bytes!("data/ca.pem")).unwrap();
    authorities.add(authority).unwrap();
    let allow: [Allow; 2] = ["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
    Outbound::with_authorities(allow, authorities).unwrap()
}

async fn send(port: u16, changes: Value) -> Result<(), SendError> {
    let mut config = json!({
        "host": "localhost", "port": port, "fromEmail": "Joãozinho <shop@example.com>",
        "auth": { "user": "u", "pass": "p" }, "replyTo": "help@example.com",
        "customHeaders": { "X-Shop": "1" },
        "templates": [{
            "usageType": "Generic", "contentType": "text/plain", "subject": "Código {{code}}",
            "content": ".\r\nYour code: {{code}}\r\n.\r\nQUIT",
        }],
    });
    config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let service = Service::read("simple-mail-transfer-protocol", &config).unwrap().unwrap();
    let payload: Map<String, Value> = [("code".to_owned(), json!("123456"))].into_iter().collect();
    let message = Message {
        to: "ana@example.org",
        usage: "SignIn",
        payload: &payload,
        content: None,
        now: 1_700_000_000,
        nonce: "abc",
    };
    service.send(&outbound(), &message).await
}

#[tokio::test]
async fn a_message_is_handed_over_after_tls_began() {
    let (port, told) = server(Habits { offers_tls: true, ..Habits::default() }).await;
    send(port, json!({})).await.unwrap();
    let told = told.lock().unwrap().clone();
    let (before, after) = told.split_once("STARTTLS\r\n").expect("TLS began");
    assert_eq!(before, "EHLO [127.0.0.1]\r\n", "nothing but a greeting comes before TLS");
    for line in [
        "AUTH PLAIN AHUAcA==\r\n",
        "MAIL FROM:<shop@example.com>\r\n",
        "RCPT TO:<ana@example.org>\r\n",
        "From: =?utf-8?",
        "<shop@example.com>\r\n",
        "To: <ana@example.org>\r\n",
        "Reply-To: <help@example.com>\r\n",
        "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n",
        "Message-ID: <abc@example.com>\r\n",
        "X-Shop: 1\r\n",
        "\r\n..\r\nYour code: 123456\r\n..\r\nQUIT\r\n.\r\n",
    ] {
        assert!(after.contains(line), "{line:?} is not in {after}");
    }
}

#[tokio::test]
async fn tls_may_begin_with_the_connection_and_a_login_may_take_two_steps() {
    let (port, told) =
        server(Habits { is_secure: true, offers_login: true, ..Habits::default() }).await;
    send(port, json!({ "secure": true })).await.unwrap();
    let told = told.lock().unwrap().clone();
    assert!(told.contains("AUTH LOGIN\r\ndQ==\r\ncA==\r\n"), "{told}");
}

#[tokio::test]
async fn a_password_is_not_sent_in_the_clear_unless_one_says_so() {
    let (port, told) = server(Habits::default()).await;
    assert!(matches!(send(port, json!({})).await, Err(SendError::WouldLeak)));
    assert!(!told.lock().unwrap().contains("AUTH"));
    send(port, json!({ "ignoreTLS": true })).await.unwrap();
    send(port, json!({ "auth": {} })).await.unwrap();
    assert!(matches!(
        send(port, json!({ "auth": {}, "requireTLS": true })).await,
        Err(SendError::Refused { .. })
    ));
}

#[tokio::test]
async fn what_the_server_says_no_to_is_told() {
    let (port, _) =
        server(Habits { offers_tls: true, refuses_recipients: true, ..Habits::default() }).await;
    let refused = send(port, json!({})).await.unwrap_err();
    assert_eq!(refused.to_string(), "the mail server answered 550 nobody here");
}

#[tokio::test]
async fn what_was_said_before_tls_does_not_count_after_it() {
    let (port, told) =
        server(Habits { offers_tls: true, is_injected: true, ..Habits::default() }).await;
    assert!(matches!(send(port, json!({})).await, Err(SendError::Refused { .. })));
    assert!(!told.lock().unwrap().contains("AUTH"));
}

#[tokio::test]
async fn a_certificate_for_another_name_ends_it() {
    let (port, told) = server(Habits { offers_tls: true, ..Habits::default() }).await;
    let failed = send(port, json!({ "servername": "other.example" })).await;
    assert!(matches!(failed, Err(SendError::Outbound(OutboundError::Tls))), "{failed:?}");
    assert!(!told.lock().unwrap().contains("AUTH"));
}
