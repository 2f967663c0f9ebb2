use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tokio_postgres::config::Host;

use crate::Error;
use crate::postgres::Target;

/// Where the database is: `sqlite:path` or `postgres://user:password@host/database`, which takes
/// libpq's options, those of TLS among them.
///
/// `Display` and `Debug` leave out the password.
#[derive(Clone, PartialEq, Eq)]
pub enum DbUrl {
    /// A file. Its folder must exist.
    Sqlite(PathBuf),
    /// A PostgreSQL URL, as given.
    Postgres(String),
}

impl FromStr for DbUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<DbUrl, Error> {
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        match scheme {
            "sqlite" => sqlite(rest),
            "postgres" | "postgresql" if rest.starts_with("//") => {
                Target::read(url)?;
                Ok(DbUrl::Postgres(url.to_owned()))
            }
            _ => refuse("the database URL must start with sqlite:, postgres:// or postgresql://"),
        }
    }
}

fn sqlite(path: &str) -> Result<DbUrl, Error> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path == ":memory:" {
        return refuse(
            "sqlite::memory: is not supported; name a file, as in sqlite:data/trinco.db",
        );
    }
    if path.is_empty() {
        return refuse("the SQLite URL names no file; write it as in sqlite:data/trinco.db");
    }
    if path.contains('?') {
        return refuse("a SQLite URL takes no options after `?`");
    }
    Ok(DbUrl::Sqlite(Path::new(path).to_owned()))
}

fn refuse<T>(why: &str) -> Result<T, Error> {
    Err(Error::Url(why.to_owned()))
}

impl fmt::Display for DbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DbUrl::Sqlite(path) => {
                // Two slashes before the path are read over: a path that begins with two needs them.
                let begins_so = path.as_os_str().as_encoded_bytes().starts_with(b"//");
                let slashes = if begins_so { "//" } else { "" };
                write!(f, "sqlite:{slashes}{}", path.display())
            }
            // Rebuilt from its harmless parts instead of cutting out the harmful ones.
            DbUrl::Postgres(url) => match Target::read(url) {
                Ok(target) => postgres(&target.config, f),
                Err(_) => f.write_str("postgres://…"),
            },
        }
    }
}

fn postgres(config: &tokio_postgres::Config, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "postgres://{}", config.get_user().unwrap_or_default())?;
    if config.get_password().is_some() {
        f.write_str(":***")?;
    }
    if config.get_user().is_some() || config.get_password().is_some() {
        f.write_str("@")?;
    }
    for (at, host) in config.get_hosts().iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        match host {
            Host::Tcp(name) if name.contains(':') => write!(f, "{comma}[{name}]")?,
            Host::Tcp(name) => write!(f, "{comma}{name}")?,
            #[cfg(unix)]
            Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
        }
        if let Some(port) = config.get_ports().get(at).or(config.get_ports().first()) {
            write!(f, ":{port}")?;
        }
    }
    write!(f, "/{}", config.get_dbname().unwrap_or_default())
}

impl fmt::Debug for DbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://ana:s3cret@db.example:5433/trinco?sslmode=disable",
            "postgresql://ana@db.example/trinco?password=s3cret",
        ] {
            let shown = url.parse::<DbUrl>().unwrap();
            assert!(!format!("{shown} {shown:?}").contains("s3cret"), "{shown}");
            assert!(shown.to_string().contains("ana"), "{shown}");
            assert!(shown.to_string().contains("db.example"), "{shown}");
        }
        for bad in [
            "postgres://ana:s3cret@db.example:s3cret/trinco",
            "postgres://ana:s3cret@db.example/trinco?s3cret=1",
            "postgres://ana:s3cret@db.example/trinco?sslmode=s3cret",
            "postgres://ana:s3cret@db.example/trinco?sslmode=verify-ca",
            "mysql://ana:s3cret@db.example/trinco",
            "postgres://ana:a@s3cret@db.example/trinco",
            "postgres://ana:a?b@s3cret@db.example/trinco",
            "s3cret",
        ] {
            let error = bad.parse::<DbUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn an_ipv6_address_is_shown_as_it_is_written() {
        for url in ["postgres://ana@[::1]:5433/trinco", "postgres://ana@[::1]:1,b:2/trinco"] {
            assert_eq!(url.parse::<DbUrl>().unwrap().to_string(), url);
        }
    }

    #[test]
    fn a_sqlite_url_is_shown_as_it_is_read() {
        for url in ["sqlite:data/a.db", "sqlite:/data/a.db", "sqlite:////data/a.db"] {
            let read = url.parse::<DbUrl>().unwrap();
            assert_eq!(read.to_string(), url);
            assert_eq!(read.to_string().parse::<DbUrl>().unwrap(), read);
        }
    }

    #[test]
    fn sqlite_urls_name_a_file() {
        assert_eq!("sqlite:data/a.db".parse::<DbUrl>().unwrap(), DbUrl::Sqlite("data/a.db".into()));
        assert_eq!(
            "sqlite:///var/a.db".parse::<DbUrl>().unwrap(),
            DbUrl::Sqlite("/var/a.db".into())
        );
        for bad in ["sqlite::memory:", "sqlite:", "sqlite:a.db?mode=ro"] {
            assert!(bad.parse::<DbUrl>().is_err(), "{bad}");
        }
    }
}
