//! What a migration adds to an installation that is there already is what a new one is created with.

use trinco_core::MIGRATIONS;
use trinco_core::resources::management;
use trinco_db::{Db, DbUrl, Options, Tx, params, sql};

/// The migrations before permissions for a part of the Management API.
const BEFORE: usize = 11;

async fn insert_old(tx: &mut Tx<'_>, id: &str, indicator: &str) -> Result<(), trinco_db::Error> {
    tx.execute(
        sql!(
            "INSERT INTO resources (tenant_id, id, name, indicator, is_default, access_token_ttl, created_at)
             VALUES ($1, $2, 'Logto Management API', $3, FALSE, 3600, 1)"
        ),
        params![id, indicator],
    )
    .await?;
    let all = format!("{id}-all");
    tx.execute(
        sql!(
            "INSERT INTO scopes (tenant_id, id, resource_id, name, description, created_at)
             VALUES ($1, $2, $3, 'all', 'Everything the Management API can do', 1)"
        ),
        params![all, id],
    )
    .await?;
    Ok(())
}

#[tokio::test]
async fn an_installation_that_was_migrated_has_the_scopes_of_a_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = DbUrl::Sqlite(folder.path().join("old.db"));
    let db = Db::open(&url, Options::default()).await.expect("a database");
    db.migrate(&MIGRATIONS[..BEFORE], 1).await.expect("the old schema");
    let admin = db.tenant("admin");
    admin
        .write((), |tx, ()| {
            Box::pin(async move {
                insert_old(tx, "management-api", "https://admin.logto.app/api").await?;
                insert_old(tx, "mapi-default", "https://default.logto.app/api").await?;
                insert_old(tx, "own", "https://own.example").await
            })
        })
        .await
        .expect("old rows");
    db.migrate(MIGRATIONS, 2).await.expect("the new schema");

    let mut conn = admin.read().await.expect("a connection");
    for (resource, prefix) in [("management-api", "m"), ("mapi-default", "d")] {
        let rows = conn
            .all(
                sql!(
                    "SELECT id, name, description FROM scopes
                     WHERE tenant_id = $1 AND resource_id = $2"
                ),
                params![resource],
            )
            .await
            .expect("scopes");
        let mut found: Vec<(String, String, String)> = Vec::new();
        for row in rows {
            let mut cols = row.cols();
            let mut text = || cols.next::<String>().expect("text");
            found.push((text(), text(), text()));
        }
        found.sort();
        let mut wanted: Vec<(String, String, String)> = management::scopes()
            .into_iter()
            .map(|(name, description)| {
                let id = match name.as_str() {
                    "all" => format!("{resource}-all"),
                    name => format!("{prefix}-{}", name.replace(':', "-")),
                };
                (id, name, description)
            })
            .collect();
        wanted.sort();
        assert_eq!(found, wanted, "{resource}");
    }
    let held = conn
        .all(
            sql!("SELECT scope_id FROM role_scopes WHERE tenant_id = $1 AND role_id = 'default-admin'"),
            params![],
        )
        .await
        .expect("the role of administrators");
    assert_eq!(held.len(), 1);
    let own = conn
        .all(sql!("SELECT id FROM scopes WHERE tenant_id = $1 AND resource_id = 'own'"), params![])
        .await
        .expect("scopes");
    assert_eq!(own.len(), 1, "nothing is added to an API of the tenant's own");
}
