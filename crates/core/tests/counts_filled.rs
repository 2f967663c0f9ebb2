//! The migration that begins to count fills in what there is already, on both engines.

use trinco_core::MIGRATIONS;
use trinco_db::{Db, DbUrl, Error, Options, Tx, params, sql};

/// The migrations before totals were kept.
const BEFORE: usize = 13;

/// Five users, two of them members of an organization and three holding a role; and a user of another tenant.
async fn insert_old(tx: &mut Tx<'_>, users: &i64) -> Result<(), Error> {
    for number in 0..*users {
        let id = format!("u{number}");
        tx.execute(
            sql!(
                "INSERT INTO users (tenant_id, id, profile, identities, custom_data, logto_config, mfa_verifications,
                     is_suspended, is_password_expired, created_at, updated_at)
                 VALUES ($1, $2, '{}', '{}', '{}', '{}', '[]', FALSE, FALSE, 1, 1)"
            ),
            params![&id],
        )
        .await?;
    }
    if *users < 5 {
        return Ok(());
    }
    tx.execute(
        sql!(
            "INSERT INTO organizations (tenant_id, id, name, name_folded, custom_data, is_mfa_required, color, branding,
                 created_at)
             VALUES ($1, 'o', 'O', 'o', '{}', FALSE, '{}', '{}', 1)"
        ),
        &[],
    )
    .await?;
    tx.execute(
        sql!(
            "INSERT INTO roles (tenant_id, id, name, description, type, is_default, created_at)
             VALUES ($1, 'r', 'R', 'R', 'User', FALSE, 1)"
        ),
        &[],
    )
    .await?;
    for id in ["u0", "u1"] {
        let join = sql!(
            "INSERT INTO organization_users (tenant_id, organization_id, user_id, created_at) VALUES ($1, 'o', $2, 1)"
        );
        tx.execute(join, params![id]).await?;
    }
    for id in ["u0", "u2", "u4"] {
        let hold =
            sql!("INSERT INTO user_roles (tenant_id, user_id, role_id) VALUES ($1, $2, 'r')");
        tx.execute(hold, params![id]).await?;
    }
    Ok(())
}

async fn is_filled(url: &DbUrl) {
    let db = Db::open(url, Options::default()).await.expect("a database");
    db.migrate(&MIGRATIONS[..BEFORE], 1).await.expect("the old schema");
    for (tenant, users) in [("default", 5), ("admin", 1)] {
        let tenant = db.tenant(tenant);
        let rows = tenant.write(users, |tx, users| Box::pin(insert_old(tx, users)));
        rows.await.expect("old rows");
    }
    db.migrate(MIGRATIONS, 2).await.expect("the new schema");
    for (tenant, expected) in [
        (
            "default",
            vec![
                ("organization_users", "o", 2_i64),
                ("organizations", "", 1),
                ("role_users", "r", 3),
                ("users", "", 5),
            ],
        ),
        ("admin", vec![("users", "", 1)]),
    ] {
        let tenant = db.tenant(tenant);
        let mut conn = tenant.read().await.expect("a connection");
        let select = sql!(
            "SELECT kind, owner_id, CAST(SUM(value) AS BIGINT), COUNT(*) FROM counts WHERE tenant_id = $1
             GROUP BY kind, owner_id ORDER BY kind"
        );
        let mut found: Vec<(String, String, i64)> = Vec::new();
        for row in conn.all(select, &[]).await.expect("totals") {
            let mut cols = row.cols();
            found.push((
                cols.next().expect("a kind"),
                cols.next().expect("an owner"),
                cols.next().expect("a total"),
            ));
            assert_eq!(cols.next::<i64>().expect("a number"), 8, "every shard is there");
        }
        let found: Vec<(&str, &str, i64)> = found
            .iter()
            .map(|(kind, owner, total)| (kind.as_str(), owner.as_str(), *total))
            .collect();
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn totals_are_filled_in_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    is_filled(&DbUrl::Sqlite(folder.path().join("old.db"))).await;
}

#[tokio::test]
async fn totals_are_filled_in_on_postgresql() {
    let Ok(server) = std::env::var("TRINCO_TEST_POSTGRES") else {
        assert!(std::env::var("CI").is_err(), "TRINCO_TEST_POSTGRES must name a database in CI");
        eprintln!("not run: TRINCO_TEST_POSTGRES names no PostgreSQL database");
        return;
    };
    let schema = format!("counts_filled_{}", std::process::id());
    let (client, connection) =
        tokio_postgres::connect(&server, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE SCHEMA {schema}")).await.expect("a schema");
    let separator = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{separator}options=-csearch_path%3D{schema}");
    is_filled(&url.parse().expect("a PostgreSQL URL")).await;
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.expect("it goes");
}
