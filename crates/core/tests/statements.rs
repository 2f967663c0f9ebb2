//! Reads every SQL statement of the rooms from their sources, and holds each against the rules of the house.

use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use trinco_core::Section;

/// A `sql!("…")` and the function it stands in.
struct Statement {
    place: String,
    sql: String,
    /// The types of the function's parameters, as written.
    parameters: String,
    /// Whether a builder goes on from here.
    is_begun: bool,
}

impl Statement {
    /// Whether it is, or begins, a statement: what a builder appends is neither.
    fn is_statement(&self) -> bool {
        ["SELECT ", "INSERT ", "UPDATE ", "DELETE "]
            .iter()
            .any(|verb| self.sql.trim_start().starts_with(verb))
    }

    /// Whether it can be prepared as it stands.
    fn is_whole(&self) -> bool {
        self.is_statement() && !self.is_begun
    }
}

fn statements() -> Vec<Statement> {
    let mut found = Vec::new();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in rust_files(&sources) {
        let text = fs::read_to_string(&file).expect("a source file is readable");
        let place = file.strip_prefix(&sources).expect("below src").display().to_string();
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{place}: {error}"));
        let mut visitor =
            Visitor { place, parameters: String::new(), is_begun: false, found: Vec::new() };
        visitor.visit_file(&syntax);
        found.append(&mut visitor.found);
    }
    assert!(found.len() > 60, "only {} statements found: the reader is blind", found.len());
    found
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder is readable") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

struct Visitor {
    place: String,
    parameters: String,
    is_begun: bool,
    found: Vec<Statement>,
}

impl<'ast> Visit<'ast> for Visitor {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let types = function.sig.inputs.iter().map(|input| match input {
            syn::FnArg::Typed(typed) => words(&typed.ty),
            syn::FnArg::Receiver(_) => "self".to_owned(),
        });
        let outer = std::mem::replace(&mut self.parameters, types.collect::<Vec<_>>().join(", "));
        visit::visit_item_fn(self, function);
        self.parameters = outer;
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let is_builder = matches!(&*call.func, syn::Expr::Path(path) if path.path.segments.first().is_some_and(|first| first.ident == "Sql"));
        let outer = std::mem::replace(&mut self.is_begun, is_builder);
        visit::visit_expr_call(self, call);
        self.is_begun = outer;
    }

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        if invoked.path.is_ident("sql") {
            let literal: syn::LitStr = invoked.parse_body().expect("sql! takes one literal");
            self.found.push(Statement {
                place: self.place.clone(),
                sql: literal.value(),
                parameters: self.parameters.clone(),
                is_begun: self.is_begun,
            });
        } else if let Ok(expressions) = invoked.parse_body_with(
            syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated,
        ) {
            for expression in &expressions {
                self.visit_expr(expression);
            }
        }
    }
}

/// The identifiers of a type.
fn words(ty: &syn::Type) -> String {
    struct Words(Vec<String>);
    impl<'ast> Visit<'ast> for Words {
        fn visit_ident(&mut self, ident: &'ast syn::Ident) {
            self.0.push(ident.to_string());
        }
    }
    let mut words = Words(Vec::new());
    words.visit_type(ty);
    words.0.join(" ")
}

fn normal(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_statement_names_the_tenant() {
    for statement in statements().iter().filter(|statement| statement.is_statement()) {
        let sql = normal(&statement.sql);
        let is_bound = if sql.starts_with("INSERT") {
            sql.contains("(tenant_id,") && sql.contains("$1")
        } else {
            sql.contains("tenant_id = $1")
        };
        assert!(is_bound, "{}: {sql}", statement.place);
    }
}

#[test]
fn every_join_stays_within_the_tenant() {
    for statement in statements().iter().filter(|statement| statement.is_statement()) {
        let sql = normal(&statement.sql);
        let joins = sql.matches(" JOIN ").count();
        let bound = sql.matches("tenant_id").count();
        assert!(bound > joins, "{}: {sql}", statement.place);
    }
}

#[test]
fn every_write_to_a_snapshot_table_asks_for_a_moved_version() {
    let tables: Vec<&str> = Section::ALL.into_iter().flat_map(Section::tables).copied().collect();
    let mut checked = 0;
    for statement in statements() {
        let sql = normal(&statement.sql);
        let written = ["INSERT INTO ", "UPDATE ", "DELETE FROM "]
            .into_iter()
            .find_map(|verb| sql.strip_prefix(verb))
            .and_then(|rest| {
                rest.split(|symbol: char| !symbol.is_ascii_lowercase() && symbol != '_').next()
            });
        if written.is_some_and(|table| tables.contains(&table)) {
            checked += 1;
            assert!(statement.parameters.contains("Bumped"), "{}: {sql}", statement.place);
        }
    }
    assert!(checked > 20, "only {checked} writes found: the reader is blind");
}

#[test]
fn no_statement_stands_outside_a_store() {
    for statement in statements() {
        assert!(
            statement.place.contains("store"),
            "{}: {}",
            statement.place,
            normal(&statement.sql)
        );
    }
}

#[test]
fn sqlite_prepares_every_statement() {
    let connection = rusqlite::Connection::open_in_memory().expect("SQLite opens in memory");
    for migration in trinco_core::MIGRATIONS {
        connection.execute_batch(migration.sql).expect("a migration applies");
    }
    for statement in statements().iter().filter(|statement| statement.is_whole()) {
        let sql = statement
            .sql
            .replace("COLLATE BYTES", "COLLATE BINARY")
            .replace("FOR UPDATE", "")
            .replace('$', "?");
        connection
            .prepare(&sql)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", statement.place, statement.sql));
    }
}

#[tokio::test]
async fn postgresql_prepares_every_statement() {
    let Ok(server) = std::env::var("TRINCO_TEST_POSTGRES") else {
        assert!(
            std::env::var("CI").is_err(),
            "TRINCO_TEST_POSTGRES must name a PostgreSQL database in CI"
        );
        eprintln!("not run: TRINCO_TEST_POSTGRES names no PostgreSQL database");
        return;
    };
    let (mut client, connection) =
        tokio_postgres::connect(&server, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    // Everything is rolled back at the end.
    let transaction = client.transaction().await.expect("a transaction begins");
    let schema = format!("statements_{}", std::process::id());
    transaction
        .batch_execute(&format!("CREATE SCHEMA {schema}; SET LOCAL search_path TO {schema}"))
        .await
        .expect("a schema");
    for migration in trinco_core::MIGRATIONS {
        transaction.batch_execute(migration.sql).await.expect("a migration applies");
    }
    for statement in statements().iter().filter(|statement| statement.is_whole()) {
        let sql = statement.sql.replace("COLLATE BYTES", "COLLATE \"C\"");
        let prepared = transaction.prepare(&sql).await;
        assert!(prepared.is_ok(), "{}: {:?}\n{}", statement.place, prepared.err(), statement.sql);
    }
}
