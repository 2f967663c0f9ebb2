//! A Redis server for the example's session store, in memory only.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::{Process, TemporaryFolder};
use crate::{Result, loopback};

/// A running server; dropping it stops it.
pub(crate) struct Redis {
    _process: Process,
    _folder: TemporaryFolder,
    pub(crate) url: String,
}

impl Redis {
    pub(crate) fn start(program: &Path, logs: &Path) -> Result<Self> {
        let folder = TemporaryFolder::create("redis")?;
        let port = loopback::free_port()?;
        let mut command = Command::new(program);
        command
            .current_dir(folder.path())
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no"]);
        let mut process = Process::start("Redis", command, Some(&logs.join("redis.log")))?;
        process.wait_until(Duration::from_secs(10), || answers(port).unwrap_or(false))?;
        let url = format!("redis://127.0.0.1:{port}");
        Ok(Self { _process: process, _folder: folder, url })
    }
}

fn answers(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"PING\r\n")?;
    let mut reply = [0; 5];
    stream.read_exact(&mut reply)?;
    Ok(&reply == b"+PONG")
}
