//! A load balancer as people put one before nodes: it gives each connection to the next node whose `/readyz` says yes.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::http::Http;

/// How often a node is asked whether it is ready: well below the `--shutdown-delay` that the nodes of a test are given.
const INTERVAL: Duration = Duration::from_millis(50);

/// Ends with the test's process.
#[derive(Clone)]
pub(crate) struct Balancer {
    pub(crate) port: u16,
    nodes: Arc<Mutex<Vec<Node>>>,
}

struct Node {
    port: u16,
    is_ready: bool,
}

impl Balancer {
    /// Before nodes that are ready.
    pub(crate) fn before(ports: impl IntoIterator<Item = u16>) -> Self {
        let nodes = ports.into_iter().map(|port| Node { port, is_ready: true }).collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let balancer = Self {
            port: listener.local_addr().unwrap().port(),
            nodes: Arc::new(Mutex::new(nodes)),
        };
        let balancing = balancer.clone();
        thread::spawn(move || balancing.accept(&listener));
        balancer
    }

    /// Gives connections to another node, once it is ready.
    pub(crate) fn add(&self, port: u16) {
        self.with_nodes(|nodes| nodes.push(Node { port, is_ready: false }));
    }

    /// Asks every node again and again from now on.
    pub(crate) fn watch(&self) {
        let watching = self.clone();
        thread::spawn(move || {
            loop {
                let ports: Vec<u16> =
                    watching.with_nodes(|nodes| nodes.iter().map(|node| node.port).collect());
                for port in ports {
                    let is_ready = Http::connect(port)
                        .and_then(|mut http| http.send("GET", "/readyz", &[], ""))
                        .is_ok_and(|answer| answer.status == 200);
                    watching.with_nodes(|nodes| {
                        for node in nodes.iter_mut().filter(|node| node.port == port) {
                            node.is_ready = is_ready;
                        }
                    });
                }
                thread::sleep(INTERVAL);
            }
        });
    }

    fn accept(&self, listener: &TcpListener) {
        for (turn, client) in listener.incoming().enumerate() {
            let port = self.with_nodes(|nodes| {
                let ready: Vec<u16> =
                    nodes.iter().filter(|node| node.is_ready).map(|node| node.port).collect();
                ready.get(turn % ready.len().max(1)).copied()
            });
            let node = port.and_then(|port| TcpStream::connect(("127.0.0.1", port)).ok());
            // Without a node the client's connection ends at once, which is an error that it sees.
            let (Ok(client), Some(node)) = (client, node) else { continue };
            for (mut from, mut to) in
                [(client.try_clone().unwrap(), node.try_clone().unwrap()), (node, client)]
            {
                thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    }

    fn with_nodes<T>(&self, what: impl FnOnce(&mut Vec<Node>) -> T) -> T {
        what(&mut self.nodes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
