use crate::Migration;

/// The schema of Trinco, in order. A migration that has been released is never edited: a change is a new one. Those that only add
/// (*expand*) name an earlier `oldest_program`, so that nodes are upgraded one by one; see `docs/operating-data.md`.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "initial",
        oldest_program: 1,
        sql: include_str!("../migrations/0001_initial.sql"),
    },
    Migration {
        version: 2,
        name: "keys",
        oldest_program: 2,
        sql: include_str!("../migrations/0002_keys.sql"),
    },
    Migration {
        version: 3,
        name: "consent",
        oldest_program: 3,
        sql: include_str!("../migrations/0003_consent.sql"),
    },
    Migration {
        version: 4,
        name: "device",
        oldest_program: 4,
        sql: include_str!("../migrations/0004_device.sql"),
    },
    Migration {
        version: 5,
        name: "par",
        oldest_program: 5,
        sql: include_str!("../migrations/0005_par.sql"),
    },
    Migration {
        version: 6,
        name: "claims",
        oldest_program: 6,
        sql: include_str!("../migrations/0006_claims.sql"),
    },
    Migration {
        version: 7,
        name: "grants",
        oldest_program: 7,
        sql: include_str!("../migrations/0007_grants.sql"),
    },
    Migration {
        version: 8,
        name: "token_customizers",
        oldest_program: 8,
        sql: include_str!("../migrations/0008_token_customizers.sql"),
    },
    Migration {
        version: 9,
        name: "clients",
        oldest_program: 9,
        sql: include_str!("../migrations/0009_clients.sql"),
    },
    Migration {
        version: 10,
        name: "registrations",
        oldest_program: 10,
        sql: include_str!("../migrations/0010_registrations.sql"),
    },
    Migration {
        version: 11,
        name: "sign_in_attempts",
        // A table that older programs do not know of: they count nothing.
        oldest_program: 10,
        sql: include_str!("../migrations/0011_sign_in_attempts.sql"),
    },
    Migration {
        version: 12,
        name: "management_scopes",
        // More rows: older programs show them, and honour `all` alone.
        oldest_program: 10,
        sql: include_str!("../migrations/0012_management_scopes.sql"),
    },
    Migration {
        version: 13,
        name: "events",
        // Older programs queue the ends of sessions in a table that is gone.
        oldest_program: 13,
        sql: include_str!("../migrations/0013_events.sql"),
    },
    Migration {
        version: 14,
        name: "users",
        // Older programs would not count what they add.
        oldest_program: 14,
        sql: include_str!("../migrations/0014_users.sql"),
    },
    Migration {
        version: 15,
        name: "connectors",
        // Tables that older programs do not know of: they send no messages.
        oldest_program: 10,
        sql: include_str!("../migrations/0015_connectors.sql"),
    },
    Migration {
        version: 16,
        name: "settings",
        // Tables that older programs do not know of.
        oldest_program: 10,
        sql: include_str!("../migrations/0015_settings.sql"),
    },
];
