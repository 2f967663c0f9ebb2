//! The one port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

const BACKLOG: u32 = 1024;

/// Listens at `address`; without one, at every address of both families, so that `localhost` is reached whichever it resolves to.
pub(super) fn bind(address: Option<IpAddr>, port: u16) -> Result<TcpListener, String> {
    let bound = match address {
        Some(address) => listen(address, port),
        None => listen(Ipv6Addr::UNSPECIFIED.into(), port).or_else(|error| {
            // A machine may have no IPv6; a busy port is busy in both families.
            match error.kind() {
                io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
                _ => listen(Ipv4Addr::UNSPECIFIED.into(), port),
            }
        }),
    };
    bound.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {port} is in use by another program; choose another one with --port")
        }
        io::ErrorKind::PermissionDenied => {
            format!("port {port} is reserved for the system; choose one from 1024 up with --port")
        }
        _ => match address {
            Some(address) => {
                format!("the server cannot listen at {address} on port {port}: {error}")
            }
            None => format!("the server cannot listen on port {port}: {error}"),
        },
    })
}

/// Listens at `address` for those who read metrics.
pub(super) fn bind_metrics(address: SocketAddr) -> Result<TcpListener, String> {
    listen(address.ip(), address.port())
        .map_err(|error| format!("metrics cannot be served at {address}: {error}"))
}

fn listen(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let socket = match address {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(address) => {
            let socket = TcpSocket::new_v6()?;
            rustix::net::sockopt::set_ipv6_v6only(&socket, !address.is_unspecified())?;
            socket
        }
    };
    // A restart must not wait for the connections of the process before it.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::new(address, port))?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn without_an_address_ipv4_is_reached() {
        let listener = bind(None, 0).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_ne!(port, 0);
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    }

    #[tokio::test]
    async fn a_busy_port_is_named() {
        let listener = bind(None, 0).unwrap();
        let port = listener.local_addr().unwrap().port();
        let sentence = bind(None, port).unwrap_err();
        assert!(sentence.contains(&port.to_string()), "{sentence}");
        assert!(bind(Some(Ipv4Addr::LOCALHOST.into()), port).is_err());
    }
}
