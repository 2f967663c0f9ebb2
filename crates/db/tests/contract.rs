//! What both engines promise. Each test runs on SQLite and, when `TRINCO_TEST_POSTGRES` names a
//! database in which it may create schemas, on PostgreSQL. CI must set it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use support::on_both;
use trinco_db::dialect::like;
use trinco_db::{Db, DbUrl, Error, Options, Row, Sql, TenantDb, params, regular, sql};

async fn insert(db: &TenantDb, id: &str, name: &str, n: i64) -> Result<u64, Error> {
    db.write((id.to_owned(), name.to_owned(), n), |tx, (id, name, n)| {
        Box::pin(async move {
            let insert = sql!("INSERT INTO items (tenant_id, id, name, n) VALUES ($1, $2, $3, $4)");
            tx.execute(insert, params![id, name, *n]).await
        })
    })
    .await
}

async fn insert_in_group(
    db: &TenantDb,
    id: &'static str,
    group: &'static str,
) -> Result<u64, Error> {
    db.write((id, group), |tx, (id, group)| {
        Box::pin(async move {
            let insert = sql!("INSERT INTO items (tenant_id, id, group_id) VALUES ($1, $2, $3)");
            tx.execute(insert, params![*id, *group]).await
        })
    })
    .await
}

async fn ids(db: &TenantDb) -> Vec<String> {
    let query = sql!("SELECT id FROM items WHERE tenant_id = $1 ORDER BY id COLLATE BYTES");
    column(&db.read().await.unwrap().all(query, &[]).await.unwrap())
}

fn column(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        db.write((), |tx, ()| {
            Box::pin(async move {
                let insert = sql!(
                    "INSERT INTO items (tenant_id, id, name, n, flag) VALUES ($1, $2, $3, $4, $5)"
                );
                tx.execute(insert, params!["full", "Olá ✓ 'x' $2 ?", i64::MIN, true]).await?;
                tx.execute(insert, params!["none", None::<&str>, None::<i64>, None::<bool>])
                    .await?;
                Ok::<_, Error>(())
            })
        })
        .await
        .unwrap();
        let mut conn = db.read().await.unwrap();
        let query = sql!("SELECT name, n, flag FROM items WHERE tenant_id = $1 AND id = $2");
        let full = conn.one(query, params!["full"]).await.unwrap();
        assert_eq!(full.get::<String>(0).unwrap(), "Olá ✓ 'x' $2 ?");
        assert_eq!(full.get::<Option<i64>>(1).unwrap(), Some(i64::MIN));
        assert!(full.get::<bool>(2).unwrap());
        let mut cols = conn.one(query, params!["none"]).await.unwrap().cols();
        assert_eq!(cols.next::<Option<String>>().unwrap(), None);
        assert_eq!(cols.next::<Option<i64>>().unwrap(), None);
        assert_eq!(cols.next::<Option<bool>>().unwrap(), None);
        assert!(matches!(cols.next::<i64>(), Err(Error::Column { .. })));

        let by_flag =
            sql!("SELECT id FROM items WHERE tenant_id = $1 AND flag = $2 AND flag = TRUE");
        assert_eq!(column(&conn.all(by_flag, params![true]).await.unwrap()), ["full"]);
        let counted = sql!("SELECT COUNT(*), MAX(n) FROM items WHERE tenant_id = $1");
        assert_eq!(conn.one(counted, &[]).await.unwrap().get::<i64>(0).unwrap(), 2);
        let wrong = full.get::<i64>(0).unwrap_err().to_string();
        assert_eq!(wrong, "column name holds text where an integer was expected");
    })
    .await;
}

#[tokio::test]
async fn one_and_optional_say_how_many_rows_there_were() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        insert(&db, "1", "x", 1).await.unwrap();
        insert(&db, "2", "x", 2).await.unwrap();
        let mut conn = db.read().await.unwrap();
        let query = sql!("SELECT id FROM items WHERE tenant_id = $1 AND n >= $2");
        assert!(matches!(conn.one(query, params![3_i64]).await, Err(Error::NoRow)));
        assert!(conn.optional(query, params![3_i64]).await.unwrap().is_none());
        assert!(conn.optional(query, params![2_i64]).await.unwrap().is_some());
        assert!(matches!(conn.optional(query, params![1_i64]).await, Err(Error::ManyRows)));
    })
    .await;
}

#[tokio::test]
async fn parameters_mean_their_number_and_not_their_place() {
    on_both(async |place| {
        let db = place.open().await.tenant("the tenant");
        let row = db
            .read()
            .await
            .unwrap()
            .one(
                sql!("SELECT $11, $10, $2, $1, $2, '$3', $3, $4, $5, $6, $7, $8, $9"),
                params!["2", "3", "4", "5", "6", "7", "8", "9", "10", "11"],
            )
            .await
            .unwrap();
        let got: Vec<String> = (0..13).map(|index| row.get(index).unwrap()).collect();
        let expected =
            ["11", "10", "2", "the tenant", "2", "$3", "3", "4", "5", "6", "7", "8", "9"];
        assert_eq!(got, expected);
    })
    .await;
}

#[tokio::test]
async fn statements_are_put_together_from_pieces_and_values() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        let insert = || {
            let rows = [("1", "x"), ("2", "y"), ("3", "z")];
            Sql::from(sql!("INSERT INTO items (tenant_id, id, name)"))
                .rows(rows.map(|(id, name)| [id.into(), name.into()]))
                .text(sql!(" ON CONFLICT DO NOTHING"))
        };
        let inserted = db
            .write(insert(), |tx, insert| Box::pin(async move { tx.execute(insert, &[]).await }))
            .await;
        assert_eq!(inserted.map_err(|error: Error| error.to_string()), Ok(3));
        let again = db
            .write(insert(), |tx, insert| Box::pin(async move { tx.execute(insert, &[]).await }))
            .await;
        assert_eq!(again.map_err(|error: Error| error.to_string()), Ok(0));

        let base = || Sql::from(sql!("SELECT id FROM items WHERE tenant_id = $1 AND name >= $2"));
        let order = sql!(" ORDER BY id");
        let mut conn = db.read().await.unwrap();
        let some = base().in_list(sql!(" AND id IN "), ["1", "3"]).text(order);
        assert_eq!(column(&conn.all(&some, params!["x"]).await.unwrap()), ["1", "3"]);
        let pushed =
            base().push(sql!(" AND id <> "), "1").push(sql!(" AND name < "), "z").text(order);
        assert_eq!(column(&conn.all(&pushed, params!["x"]).await.unwrap()), ["2"]);
        let none = base().in_list(sql!(" AND id IN "), [""; 0]).text(order);
        assert!(conn.all(&none, params!["x"]).await.unwrap().is_empty());
        let not_none = base().in_list(sql!(" AND n IS NULL AND id NOT IN "), [""; 0]);
        assert_eq!(conn.all(&not_none, params!["x"]).await.unwrap().len(), 3);
        let no_number = base().in_list(sql!(" AND n IN "), [0_i64; 0]).text(order);
        assert!(conn.all(&no_number, params!["x"]).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn broken_constraints_have_the_same_name() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        insert(&db, "1", "x", 1).await.unwrap();
        let error = insert(&db, "1", "y", 1).await.unwrap_err();
        assert!(error.is_unique("items_id"), "{error:?}");
        let error = insert(&db, "2", "x", 1).await.unwrap_err();
        assert!(error.is_unique("items_name_n"), "{error:?}");
        let error = insert_in_group(&db, "3", "missing").await.unwrap_err();
        assert!(matches!(error, Error::ForeignKey), "{error:?}");
        let error = db
            .write((), |tx, ()| {
                Box::pin(async move {
                    tx.execute(sql!("INSERT INTO groups (tenant_id, id) VALUES ($1, 'g')"), &[])
                        .await?;
                    let item =
                        sql!("INSERT INTO items (tenant_id, id, group_id) VALUES ($1, 'i', 'g')");
                    tx.execute(item, &[]).await?;
                    tx.execute(sql!("DELETE FROM groups WHERE tenant_id = $1"), &[]).await
                })
            })
            .await
            .unwrap_err();
        assert!(matches!(error, Error::ForeignKey), "{error:?}");
        assert_eq!(ids(&db).await, ["1"]);
    })
    .await;
}

#[tokio::test]
async fn errors_do_not_quote_sql_or_values() {
    on_both(async |place| {
        let db = place.open().await.tenant("tenant-s3cret");
        insert(&db, "1", "name-s3cret", 1).await.unwrap();
        let unique = insert(&db, "2", "name-s3cret", 1).await.unwrap_err();
        let missing = db
            .read()
            .await
            .unwrap()
            .all(
                sql!("SELECT s3cret FROM items WHERE tenant_id = $1 AND id = $2"),
                params!["s3cret"],
            )
            .await
            .unwrap_err();
        let null: Error = db
            .write((), |tx, ()| {
                Box::pin(async move {
                    let insert =
                        sql!("INSERT INTO items (tenant_id, id, name) VALUES ($1, NULL, $2)");
                    tx.execute(insert, params!["s3cret"]).await
                })
            })
            .await
            .unwrap_err();
        assert!(matches!(missing, Error::Other { .. }), "{missing}");
        assert!(matches!(null, Error::Other { .. }), "{null}");
        for error in [unique, missing, null] {
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_forgets_its_tenant_or_a_parameter_is_refused() {
    on_both(async |place| {
        let db = place.open().await;
        let tenant = db.tenant("a");
        let mut conn = tenant.read().await.unwrap();
        let no_tenant = conn.all(sql!("SELECT id FROM items"), &[]).await;
        assert!(matches!(no_tenant, Err(Error::Misuse(_))));
        let query = sql!("SELECT id FROM items WHERE tenant_id = $1 AND id = $2");
        assert!(matches!(conn.all(query, &[]).await, Err(Error::Misuse(_))));
        assert!(matches!(conn.all(query, params!["1", "2"]).await, Err(Error::Misuse(_))));
        let nul = conn.all(query, params!["a\0b"]).await;
        assert!(matches!(nul, Err(Error::NulInText)));
        assert!(conn.all(query, params!["1"]).await.unwrap().is_empty());

        let system = db.system();
        let mut conn = system.read().await.unwrap();
        assert!(conn.all(sql!("SELECT id FROM items"), &[]).await.is_ok());
        assert!(conn.all(sql!("SELECT id FROM items WHERE id = $1"), params!["1"]).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_tenant_sees_its_own_rows_only() {
    on_both(async |place| {
        let db = place.open().await;
        let (a, b) = (db.tenant("a"), db.tenant("b"));
        insert(&a, "1", "x", 1).await.unwrap();
        insert(&b, "1", "x", 1).await.unwrap();
        insert(&b, "2", "x", 2).await.unwrap();
        assert_eq!(
            (ids(&a).await, ids(&b).await),
            (vec!["1".into()], vec!["1".into(), "2".into()])
        );
        let deleted: Result<u64, Error> = b
            .write((), |tx, ()| {
                Box::pin(async move {
                    assert_eq!(tx.tenant(), "b");
                    tx.execute(sql!("DELETE FROM items WHERE tenant_id = $1"), &[]).await
                })
            })
            .await;
        assert_eq!(deleted.unwrap(), 2);
        assert_eq!(ids(&a).await, ["1"]);
    })
    .await;
}

#[tokio::test]
async fn a_read_connection_cannot_write() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        insert(&db, "1", "x", 1).await.unwrap();
        let update = sql!("UPDATE items SET n = 2 WHERE tenant_id = $1 RETURNING id");
        let mut conn = db.read().await.unwrap();
        let error = conn.all(update, &[]).await.unwrap_err();
        assert!(matches!(error, Error::ReadOnly), "{error:?}");
        // A refused statement does not spoil the connection.
        let n = sql!("SELECT n FROM items WHERE tenant_id = $1");
        assert_eq!(conn.one(n, &[]).await.unwrap().get::<i64>(0).unwrap(), 1);
        drop(conn);
        let error = db
            .scan((), |conn, ()| {
                Box::pin(async move {
                    conn.all(sql!("DELETE FROM items WHERE tenant_id = $1 RETURNING id"), &[]).await
                })
            })
            .await
            .unwrap_err();
        assert!(matches!(error, Error::ReadOnly), "{error:?}");
        assert_eq!(ids(&db).await, ["1"]);
    })
    .await;
}

#[tokio::test]
async fn like_is_case_sensitive_and_escaped() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        for (id, name) in [("1", "Ana"), ("2", "ana"), ("3", "50%_\\"), ("4", "50x"), ("5", "ÁNA")]
        {
            insert(&db, id, name, 1).await.unwrap();
        }
        let query = sql!(
            "SELECT id FROM items WHERE tenant_id = $1 AND name LIKE $2 ESCAPE '\\' ORDER BY id"
        );
        let mut conn = db.read().await.unwrap();
        for (pattern, found) in [
            (like::starts_with("A"), vec!["1"]),
            (like::contains("na"), vec!["1", "2"]),
            (like::contains("%_\\"), vec!["3"]),
            (like::starts_with("50"), vec!["3", "4"]),
            (like::starts_with("á"), vec![]),
            ("_NA".to_owned(), vec!["5"]),
        ] {
            let rows = conn.all(query, params![&pattern]).await.unwrap();
            assert_eq!(column(&rows), found, "{pattern}");
        }
    })
    .await;
}

#[tokio::test]
async fn regular_expressions_are_read_alike() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        let names = ["Ana", "ana maria", "a.c", "a\nc", "12-34", "João", "x]", "100%"];
        for (id, name) in (1..).zip(names) {
            insert(&db, &id.to_string(), name, 1).await.unwrap();
        }
        let query =
            sql!("SELECT id FROM items WHERE tenant_id = $1 AND name REGEXP $2 ORDER BY id");
        let mut conn = db.read().await.unwrap();
        for (pattern, found) in [
            (regular::posix("^[Aa]na", true), vec!["1", "2"]),
            (regular::posix("ANA", true), vec![]),
            (regular::posix("ANA$", false), vec!["1"]),
            (regular::posix("JOÃO", false), vec!["6"]),
            (regular::posix("JO[ÂÃ]O", false), vec!["6"]),
            (regular::posix("JO[^Ã]O", false), vec![]),
            (regular::posix("JO[À-Õ]O", true), vec![]),
            (regular::posix("a.c", true), vec!["3", "4"]),
            (regular::posix(r"a\.c", true), vec!["3"]),
            (regular::posix("a$", true), vec!["1", "2"]),
            (regular::posix("^c", true), vec![]),
            (regular::posix(r"^\d{2}-[[:digit:]]+$", true), vec!["5"]),
            (regular::posix("[]%]$", true), vec!["7", "8"]),
            (regular::posix("(?:na|x){1,2}", true), vec!["1", "2", "7"]),
            (regular::posix("a ??m", true), vec!["2"]),
            (regular::similar_to("%na", true), vec!["1"]),
            (regular::similar_to("a_c", true), vec!["3", "4"]),
            (regular::similar_to("(ANA|JO_O)%", false), vec!["1", "2", "6"]),
            (regular::similar_to(r"[0-9]+\%", true), vec!["8"]),
            (regular::similar_to("a.c", true), vec!["3"]),
        ] {
            let pattern = pattern.unwrap();
            let rows = conn.all(query, params![&pattern]).await.unwrap();
            assert_eq!(column(&rows), found, "{pattern}");
        }
    })
    .await;
}

#[tokio::test]
async fn collate_bytes_orders_and_compares_by_bytes() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        for (id, name) in
            [("1", "b"), ("2", "B"), ("3", "á"), ("4", "_"), ("5", "a b"), ("6", "ab")]
        {
            insert(&db, id, name, 1).await.unwrap();
        }
        let mut conn = db.read().await.unwrap();
        let sorted =
            sql!("SELECT name FROM items WHERE tenant_id = $1 ORDER BY name collate bytes DESC");
        let rows = conn.all(sorted, &[]).await.unwrap();
        assert_eq!(column(&rows), ["á", "b", "ab", "a b", "_", "B"]);
        let after = sql!(
            "SELECT name FROM items WHERE tenant_id = $1 AND name COLLATE BYTES > $2
             ORDER BY name COLLATE BYTES LIMIT $3"
        );
        let rows = conn.all(after, params!["_", 2_i64]).await.unwrap();
        assert_eq!(column(&rows), ["a b", "ab"]);
    })
    .await;
}

#[tokio::test]
async fn text_survives_whatever_it_holds() {
    on_both(async |place| {
        let db = place.open().await.tenant("a");
        let long = "ß".repeat(300_000);
        for (id, text) in
            [("1", ""), ("2", "'; DROP TABLE items; --"), ("3", "\u{1F512}\n\t\\"), ("4", &long)]
        {
            let inserted: Result<u64, Error> = db
                .write((id, text.to_owned()), |tx, (id, text)| {
                    Box::pin(async move {
                        let insert =
                            sql!("INSERT INTO items (tenant_id, id, note) VALUES ($1, $2, $3)");
                        tx.execute(insert, params![*id, text]).await
                    })
                })
                .await;
            assert_eq!(inserted.unwrap(), 1);
            let mut conn = db.read().await.unwrap();
            let query = sql!("SELECT note FROM items WHERE tenant_id = $1 AND id = $2");
            let row = conn.one(query, params![id]).await.unwrap();
            assert_eq!(row.get::<String>(0).unwrap(), text);
        }
    })
    .await;
}

#[tokio::test]
async fn an_open_database_answers_and_a_closed_one_says_so() {
    on_both(async |place| {
        let db: Db = place.open().await;
        db.ping().await.unwrap();
        let tenant = db.tenant("a");
        db.close().await;
        db.close().await;
        assert!(matches!(db.ping().await, Err(Error::Closed)));
        assert!(matches!(tenant.read().await.map(drop), Err(Error::Closed)));
        assert!(matches!(insert(&tenant, "1", "x", 1).await, Err(Error::Closed)));
        let scanned: Result<(), Error> =
            tenant.scan((), |_, ()| Box::pin(async move { Ok(()) })).await;
        assert!(matches!(scanned, Err(Error::Closed)));
    })
    .await;
}

#[tokio::test]
async fn a_database_out_of_reach_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let no_folder = DbUrl::Sqlite(folder.path().join("missing/test.db"));
    let no_server = "postgres://ana:s3cret@127.0.0.1:1/trinco".parse().unwrap();
    for url in [no_folder, no_server] {
        let error = Db::open(&url, Options::default()).await.map(drop).unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert!(error.is_temporary());
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
