//! How many there are: totals that lists show, kept beside the rows so that nobody has to count a million of them.
//!
//! A total is spread over a few rows by what is counted, so that those who add at once rarely wait for one another. It changes in the
//! transaction of the rows: [`Changes`] gathers what a transaction does and is applied when its rows are written, in one order for
//! all, because the rows of totals are held until the transaction ends.

mod store;

use std::collections::{BTreeMap, HashMap};

use trinco_db::{Conn, Tx};

use crate::Result;

/// Over so many rows a total is spread. The migration that began to count made as many.
const SHARDS: u64 = 8;

/// What is counted. In the order in which totals are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The users who hold a role.
    RoleUsers,
    /// The users who are members of an organization.
    OrganizationUsers,
    /// The organizations of the tenant.
    Organizations,
    /// The users of the tenant.
    Users,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::RoleUsers => "role_users",
            Self::OrganizationUsers => "organization_users",
            Self::Organizations => "organizations",
            Self::Users => "users",
        }
    }
}

/// The owner of what the tenant itself has.
pub(crate) const OF_TENANT: &str = "";

/// What a transaction adds and takes away.
#[derive(Debug, Default)]
#[must_use = "totals change when these are applied"]
pub(crate) struct Changes(BTreeMap<(Kind, String, i64), i64>);

impl Changes {
    /// `counted` is there now.
    pub(crate) fn added(&mut self, kind: Kind, owner: &str, counted: &str) {
        self.change(kind, owner, counted, 1);
    }

    /// `counted` is gone.
    pub(crate) fn removed(&mut self, kind: Kind, owner: &str, counted: &str) {
        self.change(kind, owner, counted, -1);
    }

    fn change(&mut self, kind: Kind, owner: &str, counted: &str, by: i64) {
        *self.0.entry((kind, owner.to_owned(), shard(counted))).or_default() += by;
    }

    /// Changes the totals: the last thing a transaction does, or nearly.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn apply(self, tx: &mut Tx<'_>) -> Result<()> {
        for ((kind, owner, shard), by) in self.0 {
            if by != 0 {
                store::change(tx, kind.name(), &owner, shard, by).await?;
            }
        }
        Ok(())
    }
}

/// Forgets the totals of an owner that is gone, once its row is.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn forget(tx: &mut Tx<'_>, kind: Kind, owner: &str) -> Result<()> {
    store::delete(tx, kind.name(), owner).await
}

/// How many there are.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn total(conn: &mut Conn<'_>, kind: Kind, owner: &str) -> Result<i64> {
    store::total(conn, kind.name(), owner).await
}

/// How many each of these owners has; those with none may be absent.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn totals(
    conn: &mut Conn<'_>,
    kind: Kind,
    owners: &[String],
) -> Result<HashMap<String, i64>> {
    store::totals(conn, kind.name(), owners).await
}

/// By the FNV-1a hash, which never changes: what is counted in one row is taken off the same.
fn shard(counted: &str) -> i64 {
    let hash = counted.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // The low bits alone would follow the last character too closely.
    ((hash ^ (hash >> 32)) % SHARDS) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Alphabet, SystemRandomness};

    #[test]
    fn ids_are_spread_evenly() {
        let mut found = [0_u32; SHARDS as usize];
        for _ in 0..8000 {
            found[shard(&Alphabet::Id.random(&SystemRandomness, 12)) as usize] += 1;
        }
        assert!(found.iter().all(|count| (800..1200).contains(count)), "{found:?}");
    }

    #[test]
    fn a_shard_never_changes() {
        // What was counted before an upgrade must be found after it.
        assert_eq!([shard(""), shard("a"), shard("foobar"), shard("u12345678901")], [1, 0, 1, 7]);
    }

    #[test]
    fn what_comes_and_goes_changes_nothing() {
        let mut changes = Changes::default();
        changes.added(Kind::Users, OF_TENANT, "a");
        changes.removed(Kind::Users, OF_TENANT, "a");
        assert!(changes.0.values().all(|by| *by == 0));
    }
}
