use crate::Migration;

/// The schema of Trinco, in order. A migration that has been released is never edited: a change is a new one.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "initial", sql: include_str!("../migrations/0001_initial.sql") },
    Migration { version: 2, name: "keys", sql: include_str!("../migrations/0002_keys.sql") },
    Migration { version: 3, name: "consent", sql: include_str!("../migrations/0003_consent.sql") },
    Migration { version: 4, name: "device", sql: include_str!("../migrations/0004_device.sql") },
    Migration { version: 5, name: "par", sql: include_str!("../migrations/0005_par.sql") },
    Migration { version: 6, name: "claims", sql: include_str!("../migrations/0006_claims.sql") },
    Migration { version: 7, name: "grants", sql: include_str!("../migrations/0007_grants.sql") },
    Migration {
        version: 8,
        name: "token_customizers",
        sql: include_str!("../migrations/0008_token_customizers.sql"),
    },
    Migration { version: 9, name: "clients", sql: include_str!("../migrations/0009_clients.sql") },
    Migration {
        version: 10,
        name: "registrations",
        sql: include_str!("../migrations/0010_registrations.sql"),
    },
];
