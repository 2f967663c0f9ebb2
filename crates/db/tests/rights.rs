//! The rights that a database user needs on PostgreSQL: none beyond a database or a schema of its own.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::str::FromStr;

use support::{at_database, between, raw, server, unique, with_option};
use tokio_postgres::Config;
use trinco_db::{Db, DbUrl, Error, MIGRATIONS, Options, params, sql};

/// The URL of another user of the same server.
fn as_user(server: &str, user: &str, database: &str) -> String {
    let url = at_database(server, database);
    let place = url
        .rsplit_once('@')
        .map_or_else(|| url.split_once("://").unwrap().1.to_owned(), |(_, place)| place.to_owned());
    format!("postgres://{user}:p@{place}")
}

/// Migrates, writes and reads.
async fn serves(url: &str) -> Result<(), Error> {
    let db = Db::open(&DbUrl::from_str(url)?, Options::default()).await?;
    db.migrate(MIGRATIONS, 1).await?;
    let written: Result<u64, Error> = db
        .tenant("t")
        .write((), |tx, ()| {
            Box::pin(async move {
                let insert = sql!(
                    "INSERT INTO roles (tenant_id, id, name, description, type, is_default, created_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)"
                );
                let row = params!["r", "Role", "d", "User", false, 1_i64];
                tx.execute(insert, row).await
            })
        })
        .await;
    assert_eq!(written?, 1);
    let query = sql!("SELECT name FROM roles WHERE tenant_id = $1 AND id = $2");
    let tenant = db.tenant("t");
    let row = tenant.read().await?.one(query, params!["r"]).await?;
    assert_eq!(row.get::<String>(0)?, "Role");
    db.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_a_database_or_a_schema_of_its_own_needs_nothing_else() {
    let Some(server) = server() else { return };
    let (user, database) = (unique("plain"), unique("owned"));
    assert!(Config::from_str(&server).is_ok());
    let create = format!(
        "CREATE ROLE {user} LOGIN PASSWORD 'p'
             NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
    );
    let drop_user = format!("DROP ROLE {user}");
    let test = async {
        let create = format!("CREATE DATABASE {database} OWNER {user} TEMPLATE template0");
        let discard = format!("DROP DATABASE {database} WITH (FORCE)");
        between(&server, &create, &discard, async {
            serves(&as_user(&server, &user, &database)).await.unwrap();
        })
        .await;

        // A database of somebody else's, where `public` is closed as in every new one since PostgreSQL 15.
        let create = format!("CREATE DATABASE {database} TEMPLATE template0");
        between(&server, &create, &discard, async {
            let inside = at_database(&server, &database);
            raw(&inside, "REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
            let url = as_user(&server, &user, &database);
            let error = serves(&url).await.unwrap_err();
            assert!(matches!(error, Error::Migration(_)), "{error:?}");
            assert!(error.to_string().contains("may not create tables"), "{error}");

            let own = with_option(&url, "options=-csearch_path%3Dtrinco");
            let error = serves(&own).await.unwrap_err();
            assert!(error.to_string().contains("has no schema"), "{error}");
            raw(&inside, &format!("CREATE SCHEMA trinco AUTHORIZATION {user}")).await;
            serves(&own).await.unwrap();

            // Tables that somebody else has made.
            raw(&inside, "ALTER TABLE trinco.migrations OWNER TO CURRENT_USER").await;
            let error = serves(&own).await.unwrap_err();
            assert!(error.to_string().contains("must own"), "{error}");
        })
        .await;
    };
    between(&server, &create, &drop_user, test).await;
}
