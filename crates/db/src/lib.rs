//! One SQL text on two engines, SQLite and PostgreSQL, with group commit and migrations.
