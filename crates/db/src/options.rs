use std::time::Duration;

/// How a database is opened. The defaults suit one small machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// SQLite: connections for point reads.
    pub read_connections: usize,
    /// SQLite: connections for long reads, apart from the others so that they never starve them.
    pub scan_connections: usize,
    /// PostgreSQL: the size of the connection pool, unless the URL says `pool_size`.
    pub postgres_connections: usize,
    /// The longest one statement of a read or a write may run.
    pub statement_timeout: Duration,
    /// The longest one statement of a scan may run.
    pub scan_timeout: Duration,
    /// The longest to wait for a connection, new or pooled.
    pub connect_timeout: Duration,
    /// SQLite: transactions that may wait for the writer before callers wait for a place.
    pub write_queue: usize,
    /// SQLite: the most transactions committed together.
    pub group_limit: usize,
    /// SQLite: a group that has been open this long takes no more transactions.
    pub group_window: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            read_connections: 8,
            scan_connections: 2,
            postgres_connections: 16,
            statement_timeout: Duration::from_secs(5),
            scan_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(5),
            write_queue: 1024,
            group_limit: 256,
            group_window: Duration::from_millis(5),
        }
    }
}
