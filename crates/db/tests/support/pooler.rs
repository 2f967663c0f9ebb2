//! A PgBouncer in transaction mode, before the server that `TRINCO_TEST_POSTGRES` names.

use std::sync::OnceLock;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::programs::{Folder, Running, find};

/// Fewer than the connections that a test opens to it.
pub(crate) const SERVER_CONNECTIONS: u32 = 4;

/// A running one. It stops when this is dropped.
pub(crate) struct Pooler {
    folder: Folder,
    _running: Running,
}

impl Pooler {
    /// The URL of a database of the server by way of it.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://anyone@{}:6432/{database}", self.folder.as_host())
    }
}

/// The URL of `database` by way of a PgBouncer, which is started when it is first asked for; `None` when none is installed.
pub(crate) fn url(server: &str, database: &str) -> Option<String> {
    static POOLER: OnceLock<Option<Pooler>> = OnceLock::new();
    Some(POOLER.get_or_init(|| start(server)).as_ref()?.url(database))
}

/// Starts one before a server, of which a superuser's URL is given; `None` when none is installed.
pub(crate) fn start(server: &str) -> Option<Pooler> {
    let program = find("pgbouncer")?;
    let server: Config = server.parse().unwrap();
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let host = match &server.get_hosts()[0] {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.to_str().unwrap().to_owned(),
    };
    let password = String::from_utf8(server.get_password().unwrap_or_default().to_vec()).unwrap();
    let folder = Folder::create();
    let settings = format!(
        "[databases]\n* = host={} port={} user={} password={}\n[pgbouncer]\n\
         auth_type = any\npool_mode = transaction\ndefault_pool_size = {SERVER_CONNECTIONS}\n\
         max_client_conn = 300\nserver_login_retry = 1\nlisten_port = 6432\nunix_socket_dir = {}\n",
        quoted(&host),
        server.get_ports().first().unwrap_or(&5432),
        quoted(server.get_user().unwrap()),
        quoted(&password),
        folder.path().display(),
    );
    folder.write("pgbouncer.ini", &settings);
    let socket = folder.path().join(".s.PGSQL.6432");
    let running = Running::start(&folder, "TERM", &program, &["pgbouncer.ini"], || socket.exists());
    Some(Pooler { folder, _running: running })
}
