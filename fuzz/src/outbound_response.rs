//! What comes back to an outbound request: the input is all that the other side says.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use http::{HeaderMap, Method};
use rustls::RootCertStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use trinco_connectors::outbound::{Outbound, OutboundError, RESPONSE_LIMIT, Request};
use url::Url;

/// Each exchange leaves a port in use for a minute. On so many loopback addresses there are enough of them.
const ADDRESSES: u8 = 200;

struct Exchange {
    runtime: Runtime,
    client: Outbound,
    urls: Vec<Url>,
    says: Arc<Mutex<Vec<u8>>>,
    next: Mutex<usize>,
}

static EXCHANGE: LazyLock<Exchange> = LazyLock::new(|| {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let says = Arc::new(Mutex::new(Vec::new()));
    let urls = (1..=ADDRESSES)
        .map(|last| {
            let listener = runtime
                .block_on(TcpListener::bind(format!("127.0.0.{last}:0")))
                .expect("a loopback address");
            let address = listener.local_addr().expect("an address");
            runtime.spawn(answer(listener, Arc::clone(&says)));
            Url::parse(&format!("http://{address}/")).expect("a URL")
        })
        .collect();
    let allow = vec!["127.0.0.0/8".parse().expect("a block")];
    let client = Outbound::with_authorities(allow, RootCertStore::empty())
        .expect("a client")
        .with_timeout(Duration::from_secs(5));
    Exchange { runtime, client, urls, says, next: Mutex::new(0) }
});

/// Says what is to be said to everyone who has asked.
async fn answer(listener: TcpListener, says: Arc<Mutex<Vec<u8>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await;
        let said = says.lock().expect("nobody panicked").clone();
        let _ = stream.write_all(&said).await;
        let _ = stream.shutdown().await;
    }
}

/// Reads the input as an answer.
pub fn run(data: &[u8]) -> bool {
    let exchange = &*EXCHANGE;
    *exchange.says.lock().expect("nobody panicked") = data.to_vec();
    let at = {
        let mut next = exchange.next.lock().expect("nobody panicked");
        *next = (*next + 1) % exchange.urls.len();
        *next
    };
    let request = Request {
        method: Method::POST,
        url: exchange.urls[at].clone(),
        headers: HeaderMap::new(),
        body: "logout_token=x".into(),
    };
    match exchange.runtime.block_on(exchange.client.send(request)) {
        Ok(response) => {
            assert!(response.body.len() <= RESPONSE_LIMIT);
            let headers = response.headers.iter();
            let length: usize =
                headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
            assert!(length <= 16 * 1024, "{length} bytes of headers");
            true
        }
        Err(error) => {
            let known = matches!(
                error,
                OutboundError::Exchange | OutboundError::TooLarge(_) | OutboundError::Connection
            );
            // The other side has hung up: there is nothing to wait for.
            assert!(known, "{error}");
            false
        }
    }
}
