//! What a mail server replies: the input is all that it says.

use std::sync::{Arc, LazyLock, Mutex};

use rustls::RootCertStore;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use trinco_connectors::messages::{Message, SendError, Service};
use trinco_connectors::outbound::{Outbound, OutboundError};

/// Each dialog leaves a port in use for a minute. On so many loopback addresses there are enough of them.
const ADDRESSES: u8 = 200;

struct Dialog {
    runtime: Runtime,
    client: Outbound,
    services: Vec<Service>,
    says: Arc<Mutex<Vec<u8>>>,
    next: Mutex<usize>,
}

static DIALOG: LazyLock<Dialog> = LazyLock::new(|| {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let says = Arc::new(Mutex::new(Vec::new()));
    let services = (1..=ADDRESSES)
        .map(|last| {
            let host = format!("127.0.0.{last}");
            let listener = runtime
                .block_on(TcpListener::bind((host.as_str(), 0)))
                .expect("a loopback address");
            let port = listener.local_addr().expect("an address").port();
            runtime.spawn(reply(listener, Arc::clone(&says)));
            let config = json!({
                "host": host, "port": port, "auth": { "user": "u", "pass": "secret" },
                "fromEmail": "a@b.example", "templates": [{ "usageType": "Generic", "content": "x" }],
            });
            let service = Service::read("simple-mail-transfer-protocol", &config);
            service.expect("it sends").expect("a configuration")
        })
        .collect();
    let allow = vec!["127.0.0.0/8".parse().expect("a block")];
    let client = Outbound::with_authorities(allow, RootCertStore::empty()).expect("a client");
    Dialog { runtime, client, services, says, next: Mutex::new(0) }
});

/// Says everything at once, and listens until the client has had enough. A password is never among what it hears: there is no TLS.
async fn reply(listener: TcpListener, says: Arc<Mutex<Vec<u8>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let said = says.lock().expect("nobody panicked").clone();
        let _ = stream.write_all(&said).await;
        let _ = stream.shutdown().await;
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard).await;
        assert!(!heard.windows(4).any(|four| four == b"AUTH"), "a password was sent in the clear");
    }
}

/// Sends a message to a server that replies with the input.
pub fn run(data: &[u8]) -> bool {
    let dialog = &*DIALOG;
    *dialog.says.lock().expect("nobody panicked") = data.to_vec();
    let at = {
        let mut next = dialog.next.lock().expect("nobody panicked");
        *next = (*next + 1) % dialog.services.len();
        *next
    };
    let payload: Map<String, Value> = Map::new();
    let message = Message {
        to: "c@d.example",
        usage: "Generic",
        payload: &payload,
        content: None,
        now: 0,
        nonce: "n",
    };
    match dialog.runtime.block_on(dialog.services[at].send(&dialog.client, &message)) {
        Ok(()) => panic!("a message was handed over without a password"),
        // It was understood as far as to where the password would be sent.
        Err(SendError::WouldLeak) => true,
        Err(SendError::Refused { answer, .. }) => {
            assert!(answer.len() <= 2000 && !answer.contains("secret"), "{answer}");
            false
        }
        Err(SendError::Outbound(error)) => {
            let known = matches!(
                error,
                OutboundError::Exchange | OutboundError::Connection | OutboundError::Tls
            );
            assert!(known, "{error}");
            false
        }
        Err(error) => panic!("{error}"),
    }
}
