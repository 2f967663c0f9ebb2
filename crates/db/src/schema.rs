use crate::Migration;

/// The schema of Trinco, in order. A migration that has been released is never edited: a change is a new one.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "initial", sql: include_str!("../migrations/0001_initial.sql") },
    Migration { version: 2, name: "par", sql: include_str!("../migrations/0002_par.sql") },
];
