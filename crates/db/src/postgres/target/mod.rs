//! Reading a PostgreSQL URL: the servers it names, and how TLS is to be spoken with them.
//!
//! The driver knows `sslmode` only as far as `require`, and refuses `sslrootcert`, `sslcert` and `sslkey`: those are read here and
//! kept from it. Everything else means what the driver says, which follows libpq. Errors never quote the URL.

mod options;

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode as DriverMode};

use crate::Error;
use options::{OUR_OPTIONS, PLACE_OPTIONS, Parts};

/// What a PostgreSQL URL says.
pub(crate) struct Target {
    /// With all servers, to be shown.
    pub(crate) config: Config,
    /// One for each server, in the order in which they are tried.
    pub(crate) servers: Vec<Config>,
    pub(crate) tls: Tls,
    /// The most connections at a time (`pool_size`, an option of ours).
    pub(crate) pool_size: Option<usize>,
}

/// How TLS is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) mode: SslMode,
    pub(crate) roots: Option<Roots>,
    pub(crate) identity: Option<Identity>,
}

/// libpq's `sslmode`, without `allow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SslMode {
    Disable,
    /// TLS if the server speaks it, whoever the server is; without TLS otherwise.
    Prefer,
    /// TLS, whoever the server is.
    Require,
    /// TLS with a server that a trusted authority has certified, whatever its name.
    VerifyCa,
    /// As `VerifyCa`, and the certificate is for the host of the URL.
    VerifyFull,
}

/// The authorities that are trusted (`sslrootcert`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Roots {
    System,
    File(PathBuf),
}

/// The certificate that this client shows, and its key (`sslcert`, `sslkey`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// A connection that is idle for this long is asked whether it still stands: NAT gateways and load balancers forget it soon after.
const KEEPALIVES_IDLE: Duration = Duration::from_secs(60);

const MOST_CONNECTIONS: usize = 1000;

impl Target {
    pub(crate) fn read(url: &str) -> Result<Target, Error> {
        let url = Parts::of(url);
        // The driver ends the password at the first `@`: what follows of it would be shown as the host.
        if url.hosts.contains('@') || url.path.contains('@') {
            return refuse(
                "the PostgreSQL URL has more than one `@`; write one in the password as %40",
            );
        }
        url.require_known()?;
        let tls = Tls::read(&url)?;
        let pool_size = match url.option("pool_size")? {
            None => None,
            Some(text) => match text.parse() {
                Ok(size @ 1..=MOST_CONNECTIONS) => Some(size),
                _ => return refuse("pool_size of the PostgreSQL URL is a number from 1 to 1000"),
            },
        };
        let mut config = parse(&url.without(&OUR_OPTIONS, url.hosts))?;
        config.ssl_mode(tls.mode.for_driver());
        let (hosts, addresses) = (config.get_hosts().len(), config.get_hostaddrs().len());
        if hosts == 0 {
            return refuse("the PostgreSQL URL names no host");
        }
        if addresses != 0 && addresses != hosts {
            return refuse("the PostgreSQL URL needs one hostaddr for each host, or none");
        }
        if config.get_ports().len() > 1 && config.get_ports().len() != hosts {
            return refuse("the PostgreSQL URL needs one port for each host, or one for all");
        }
        let mut each = parse(&url.without(&[&OUR_OPTIONS[..], &PLACE_OPTIONS].concat(), ""))?;
        each.ssl_mode(tls.mode.for_driver());
        if !url.options.iter().any(|(name, _)| name == "keepalives_idle") {
            each.keepalives_idle(KEEPALIVES_IDLE);
        }
        let servers = (0..hosts).map(|at| server(&config, each.clone(), at)).collect();
        Ok(Target { config, servers, tls, pool_size })
    }
}

/// `each`, at the place of the server number `at` of `config`.
fn server(config: &Config, mut each: Config, at: usize) -> Config {
    match &config.get_hosts()[at] {
        Host::Tcp(name) => each.host(name),
        // As in libpq, `sslmode` does not apply to sockets of this machine.
        #[cfg(unix)]
        Host::Unix(path) => each.host_path(path).ssl_mode(DriverMode::Disable),
    };
    if let Some(address) = config.get_hostaddrs().get(at) {
        each.hostaddr(*address);
    }
    if let Some(port) = config.get_ports().get(at).or(config.get_ports().first()) {
        each.port(*port);
    }
    each
}

fn parse(url: &str) -> Result<Config, Error> {
    // The driver's message may quote a part of the URL.
    url.parse().or_else(|_| {
        refuse(
            "the PostgreSQL URL cannot be read; write it as in \
             postgres://user:password@host:5432/database, with special characters percent-encoded",
        )
    })
}

impl Tls {
    fn read(url: &Parts<'_>) -> Result<Tls, Error> {
        let mode = match url.option("sslmode")?.as_deref() {
            None => None,
            Some("disable") => Some(SslMode::Disable),
            Some("prefer") => Some(SslMode::Prefer),
            Some("require") => Some(SslMode::Require),
            Some("verify-ca") => Some(SslMode::VerifyCa),
            Some("verify-full") => Some(SslMode::VerifyFull),
            Some(_) => {
                return refuse(
                    "sslmode of the PostgreSQL URL must be disable, prefer, require, verify-ca or \
                     verify-full",
                );
            }
        };
        let roots = url.option("sslrootcert")?.map(|roots| match &*roots {
            "system" => Roots::System,
            file => Roots::File(file.into()),
        });
        let (mode, roots) = match (mode, roots) {
            // Anyone can have a certificate of a public authority: only the name tells them apart.
            (None | Some(SslMode::VerifyFull), Some(Roots::System)) => {
                (SslMode::VerifyFull, Some(Roots::System))
            }
            (Some(SslMode::VerifyFull), None) => (SslMode::VerifyFull, Some(Roots::System)),
            (Some(SslMode::Disable), _) => (SslMode::Disable, None),
            (Some(_), Some(Roots::System)) => {
                return refuse(
                    "sslrootcert=system of the PostgreSQL URL needs sslmode=verify-full",
                );
            }
            (Some(SslMode::VerifyCa), None) => {
                return refuse(
                    "sslmode=verify-ca of the PostgreSQL URL needs sslrootcert, the file of the \
                     authority to trust; without it use verify-full, which checks the name too",
                );
            }
            // libpq: with an authority to check against, `require` checks.
            (Some(SslMode::Require), Some(roots)) => (SslMode::VerifyCa, Some(roots)),
            (mode, roots) => (mode.unwrap_or(SslMode::Prefer), roots),
        };
        let identity = match (url.option("sslcert")?, url.option("sslkey")?) {
            (Some(certificate), Some(key)) => {
                let (certificate, key) = (certificate.as_ref().into(), key.as_ref().into());
                Some(Identity { certificate, key })
            }
            (None, None) => None,
            _ => return refuse("sslcert and sslkey of the PostgreSQL URL are given together"),
        };
        Ok(Tls { mode, roots, identity })
    }
}

impl SslMode {
    fn for_driver(self) -> DriverMode {
        match self {
            SslMode::Disable => DriverMode::Disable,
            SslMode::Prefer => DriverMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverMode::Require,
        }
    }
}

fn refuse<T>(why: &str) -> Result<T, Error> {
    Err(Error::Url(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(options: &str) -> Result<Tls, String> {
        let url = format!("postgres://ana:pw@db.example/trinco?{options}");
        Target::read(&url).map(|target| target.tls).map_err(|error| error.to_string())
    }

    #[test]
    fn the_modes_are_those_of_libpq() {
        let file = || Some(Roots::File("/etc/ca.pem".into()));
        for (options, mode, roots) in [
            ("", SslMode::Prefer, None),
            ("sslmode=disable", SslMode::Disable, None),
            ("sslmode=require", SslMode::Require, None),
            ("sslmode=require&sslrootcert=/etc/ca.pem", SslMode::VerifyCa, file()),
            ("sslmode=verify-ca&sslrootcert=%2Fetc%2Fca.pem", SslMode::VerifyCa, file()),
            ("connect_timeout=5&ssl%6dode=verify-full", SslMode::VerifyFull, Some(Roots::System)),
            ("sslrootcert=system", SslMode::VerifyFull, Some(Roots::System)),
            ("sslrootcert=/etc/ca.pem&sslmode=verify-full", SslMode::VerifyFull, file()),
            ("sslrootcert=/etc/ca.pem", SslMode::Prefer, file()),
        ] {
            let expected = Tls { mode, roots, identity: None };
            assert_eq!(tls(options).as_ref(), Ok(&expected), "{options}");
        }
        for (options, word) in [
            ("sslmode=allow", "verify-full"),
            ("sslmode=", "sslmode"),
            ("sslmode=require&sslmode=disable", "more than one"),
            ("sslmode=verify-ca", "sslrootcert"),
            ("sslmode=require&sslrootcert=system", "verify-full"),
            ("sslcert=/a.pem", "together"),
            ("sslkey=/a.pem", "together"),
        ] {
            let refused = tls(options).unwrap_err();
            assert!(refused.contains(word), "{options}: {refused}");
        }
    }

    #[test]
    fn each_server_is_tried_alone() {
        let target = Target::read(
            "postgres://ana:pw@a:1,%2Frun%2Fpg:2/trinco?sslmode=require&target_session_attrs=read-write",
        )
        .unwrap();
        let [a, socket] = &target.servers[..] else { panic!("{:?}", target.servers) };
        assert_eq!((a.get_hosts(), a.get_ports()), (&[Host::Tcp("a".into())][..], &[1][..]));
        assert_eq!(socket.get_hosts(), [Host::Unix("/run/pg".into())]);
        assert_eq!(socket.get_ports(), [2]);
        assert_eq!(
            (a.get_ssl_mode(), socket.get_ssl_mode()),
            (DriverMode::Require, DriverMode::Disable)
        );
        for server in [a, socket] {
            assert_eq!(server.get_user(), Some("ana"));
            assert_eq!(server.get_password(), Some(&b"pw"[..]));
            assert_eq!(server.get_dbname(), Some("trinco"));
            assert_eq!(server.get_target_session_attrs(), target.config.get_target_session_attrs());
            assert_eq!(server.get_keepalives_idle(), KEEPALIVES_IDLE);
        }

        let target =
            Target::read("postgresql:///d?host=%2Frun%2Fpg&keepalives_idle=7&port=6000").unwrap();
        assert_eq!(target.servers.len(), 1);
        assert_eq!(target.servers[0].get_hosts(), [Host::Unix("/run/pg".into())]);
        assert_eq!(target.servers[0].get_ports(), [6000]);
        assert_eq!(target.servers[0].get_keepalives_idle(), Duration::from_secs(7));

        let sized = |size: &str| Target::read(&format!("postgres://a/d?pool_size={size}"));
        assert_eq!(sized("40").map(|target| target.pool_size).ok(), Some(Some(40)));
        for bad in ["0", "1001", "-1", "many", ""] {
            assert!(sized(bad).is_err(), "{bad}");
        }
        for bad in ["postgres://a,b/d?hostaddr=127.0.0.1", "postgres://a/d?port=6000"] {
            assert!(Target::read(bad).is_err(), "{bad}");
        }
    }
}
