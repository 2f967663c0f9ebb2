use tempfile::TempDir;
use trinco_db::{Db, DbUrl, Options};

/// A database of one test.
pub(crate) struct Database {
    url: DbUrl,
    _folder: Option<TempDir>,
}

impl Database {
    pub(crate) async fn create() -> Self {
        if std::env::var("TRINCO_TEST_ENGINE").is_ok_and(|engine| engine == "postgres") {
            return Self { url: new_postgres_database().await, _folder: None };
        }
        let folder = TempDir::new().expect("a temporary folder");
        let url = DbUrl::Sqlite(folder.path().join("trinco.db"));
        Self { url, _folder: Some(folder) }
    }

    pub(crate) async fn open(&self) -> Db {
        Db::open(&self.url, Options::default()).await.expect("the database opens")
    }
}

/// A schema of its own is as good as a database, and needs no right to create databases.
async fn new_postgres_database() -> DbUrl {
    let server = std::env::var("TRINCO_TEST_POSTGRES")
        .expect("TRINCO_TEST_POSTGRES names a PostgreSQL database");
    let schema = format!(
        "test_{}_{}",
        std::process::id(),
        trinco_core::Alphabet::Id.random(&trinco_core::SystemRandomness, 10)
    );
    let (client, connection) =
        tokio_postgres::connect(&server, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    let connection = tokio::spawn(connection);
    client
        .batch_execute(&format!("CREATE SCHEMA {schema}"))
        .await
        .expect("a schema can be created");
    drop(client);
    let _ = connection.await;
    let separator = if server.contains('?') { '&' } else { '?' };
    format!("{server}{separator}options=-csearch_path%3D{schema}")
        .parse()
        .expect("a PostgreSQL URL")
}
