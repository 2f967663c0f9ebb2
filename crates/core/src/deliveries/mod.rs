//! What is told to others by HTTP: to applications that a session has ended, to webhooks that something has happened.
//!
//! A delivery is queued in the transaction of what it tells of; a background job makes it, and tries again when it is not taken. One
//! that was cut off is made again, so a receiver may be told twice, but never not at all.

mod leases;
mod rules;
mod store;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use trinco_connectors::outbound::Outbound;
use trinco_db::Tx;

use crate::audit::{self, Entry};
use crate::{Result, Tenant, hooks, logout};
use leases::Leases;

/// So many deliveries of a kind are under way at once, for each tenant and node.
const MOST_UNDER_WAY: usize = 64;
/// So many of those that other nodes have under way are watched at once.
const MOST_WATCHED: usize = 1024;
/// So many receivers are asked about at once. The next ones have their turn after them.
const MOST_RECEIVERS: usize = 256;

/// What is told, and so to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The end of a session, to an application.
    Logout,
    /// An event, to a webhook.
    Hook,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Logout, Self::Hook];

    /// Its name in the database and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Hook => "hook",
        }
    }

    /// So many deliveries of one receiver are under way at once, so that one that does not answer keeps nobody else waiting.
    const fn most_of_receiver(self) -> usize {
        match self {
            Self::Logout => 4,
            Self::Hook => 10,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Something that is to be told to someone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) kind: Kind,
    /// Who is told.
    pub(crate) receiver: String,
    /// Unique for its receiver: what is queued twice is told once.
    pub(crate) id: String,
    /// What is told; only its room can read it.
    pub(crate) content: String,
    /// How often it was tried: the fencing token of whoever tries.
    pub(crate) attempts: i64,
}

impl Delivery {
    /// One that has not been tried.
    pub(crate) fn new(kind: Kind, receiver: &str, id: &str, content: String) -> Self {
        Self { kind, receiver: receiver.to_owned(), id: id.to_owned(), content, attempts: 0 }
    }

    fn key(&self) -> Key {
        (self.kind, self.receiver.clone(), self.id.clone())
    }
}

/// The kind, the receiver and the id of a delivery.
type Key = (Kind, String, String);

/// What came of an attempt.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// Nobody wants to be told any more.
    Dropped,
    /// It was taken.
    Taken(Entry),
    /// It was not. The audit log gets the entry once it is given up, or each time.
    NotTaken {
        /// What the audit log gets.
        entry: Entry,
        /// Whether it gets it each time.
        each_time: bool,
    },
}

/// Queues a delivery in the transaction of what it tells of. Of those for one receiver, the lowest `rank` goes first.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn queue(tx: &mut Tx<'_>, delivery: &Delivery, rank: i64) -> Result<()> {
    store::insert(tx, delivery, rank).await
}

/// Forgets what a receiver was still to be told, in the transaction that deletes the receiver.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn forget_receiver(tx: &mut Tx<'_>, kind: Kind, receiver: &str) -> Result<()> {
    store::delete_of_receiver(tx, kind, receiver).await
}

/// Makes every delivery that is due, waits for the last of them, and returns how many were tried. A server, which has to look for new
/// ones meanwhile, drives [`Deliveries`] itself.
///
/// # Errors
/// When the database does not answer. What was under way then is tried again later.
pub async fn deliver(tenant: &Tenant, outbound: &Outbound) -> Result<usize> {
    let mut deliveries = Deliveries::new(tenant.clone(), outbound.clone());
    let mut tried = 0;
    loop {
        tried += deliveries.begin_due().await?;
        match deliveries.settled().await {
            Some(settled) => settled?,
            None => return Ok(tried),
        }
    }
}

/// How many deliveries of a kind wait to be made, by whichever node.
///
/// # Errors
/// When the database does not answer.
pub async fn waiting(tenant: &Tenant, kind: Kind) -> Result<u64> {
    let count = store::count(&mut tenant.read().await?, kind).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// The deliveries of a tenant that this node has under way. Several nodes may do this at once: each delivery is made by one of them.
pub struct Deliveries {
    tenant: Tenant,
    outbound: Outbound,
    under_way: FuturesUnordered<BoxFuture<'static, (Key, Result<()>)>>,
    keys: BTreeSet<Key>,
    leases: Leases,
    /// Of each kind, the receiver that had its turn last.
    last: BTreeMap<Kind, String>,
}

impl Deliveries {
    /// None yet.
    pub fn new(tenant: Tenant, outbound: Outbound) -> Self {
        Self {
            tenant,
            outbound,
            under_way: FuturesUnordered::new(),
            keys: BTreeSet::new(),
            leases: Leases::default(),
            last: BTreeMap::new(),
        }
    }

    /// Begins the deliveries that are due, as far as there is room, and returns how many. They go on in [`Deliveries::settled`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_due(&mut self) -> Result<usize> {
        let mut chosen = self.run_out().await?;
        for kind in Kind::ALL {
            self.add_due(kind, &mut chosen).await?;
        }
        if chosen.is_empty() {
            return Ok(0);
        }
        let claimed = self.tenant.write(chosen, |tx, chosen| Box::pin(claim(tx, chosen))).await?;
        let begun = claimed.len();
        for delivery in claimed {
            let key = delivery.key();
            self.keys.insert(key.clone());
            let (tenant, outbound) = (self.tenant.clone(), self.outbound.clone());
            self.under_way
                .push(Box::pin(async move { (key, attempt(&tenant, &outbound, delivery).await) }));
        }
        Ok(begun)
    }

    /// What other nodes have had under way for so long that they must be gone, as far as there is room.
    async fn run_out(&mut self) -> Result<Vec<Delivery>> {
        let at = self.tenant.monotonic_ms();
        if !self.leases.wants_to_look(at) {
            return Ok(Vec::new());
        }
        let mut others = store::under_way(&mut self.tenant.read().await?, MOST_WATCHED).await?;
        others.retain(|delivery| !self.keys.contains(&delivery.key()));
        let mut chosen: Vec<Delivery> = Vec::new();
        for delivery in self.leases.run_out(others, at) {
            if self.room(delivery.kind, &chosen) > 0
                && self.room_of(delivery.kind, &delivery.receiver, &chosen) > 0
            {
                chosen.push(delivery);
            }
        }
        Ok(chosen)
    }

    /// Adds what nobody has under way and whose time has come, a few of each receiver. Receivers have their turns one after another.
    async fn add_due(&mut self, kind: Kind, chosen: &mut Vec<Delivery>) -> Result<()> {
        if self.room(kind, chosen) == 0 {
            return Ok(());
        }
        let now = self.tenant.now_ms();
        let last = self.last.get(&kind).cloned().unwrap_or_default();
        let tenant = self.tenant.clone();
        let mut conn = tenant.read().await?;
        let mut receivers = store::receivers(&mut conn, kind, &last, MOST_RECEIVERS).await?;
        if !last.is_empty() && receivers.len() < MOST_RECEIVERS {
            let before = store::receivers(&mut conn, kind, "", MOST_RECEIVERS).await?;
            receivers.extend(before.into_iter().take_while(|receiver| *receiver <= last));
        }
        for receiver in receivers {
            let room = self.room(kind, chosen).min(self.room_of(kind, &receiver, chosen));
            if room > 0 {
                chosen.extend(store::due(&mut conn, kind, &receiver, now, room).await?);
            }
            self.last.insert(kind, receiver);
            if self.room(kind, chosen) == 0 {
                break;
            }
        }
        Ok(())
    }

    /// How many more of a kind there may be under way.
    fn room(&self, kind: Kind, chosen: &[Delivery]) -> usize {
        let here = self.keys.iter().filter(|(of, ..)| *of == kind).count();
        let next = chosen.iter().filter(|delivery| delivery.kind == kind).count();
        MOST_UNDER_WAY.saturating_sub(here + next)
    }

    /// How many more of one receiver.
    fn room_of(&self, kind: Kind, receiver: &str, chosen: &[Delivery]) -> usize {
        let is_here = |(of, whose, _): &&Key| *of == kind && whose == receiver;
        let is_next = |other: &&Delivery| other.kind == kind && other.receiver == receiver;
        let taken =
            self.keys.iter().filter(is_here).count() + chosen.iter().filter(is_next).count();
        kind.most_of_receiver().saturating_sub(taken)
    }

    /// Waits for the next delivery to be settled; `None` when none is under way. Whoever stops waiting loses nothing.
    pub async fn settled(&mut self) -> Option<Result<()>> {
        let (key, settled) = self.under_way.next().await?;
        self.keys.remove(&key);
        Some(settled)
    }
}

/// Takes what was found due, but for what another node has taken since.
async fn claim(tx: &mut Tx<'_>, found: &[Delivery]) -> Result<Vec<Delivery>> {
    let mut claimed = Vec::new();
    for delivery in found {
        if store::claim(tx, delivery).await? {
            claimed.push(Delivery { attempts: delivery.attempts + 1, ..delivery.clone() });
        }
    }
    Ok(claimed)
}

/// Tells one receiver, and settles the delivery: ends it, or puts it off.
async fn attempt(tenant: &Tenant, outbound: &Outbound, delivery: Delivery) -> Result<()> {
    let made = match delivery.kind {
        Kind::Logout => logout::attempt(tenant, outbound, &delivery).await?,
        Kind::Hook => hooks::attempt(tenant, outbound, &delivery).await?,
    };
    let (entry, again_at) = match made {
        Attempt::Dropped => (None, None),
        Attempt::Taken(entry) => (Some(entry), None),
        Attempt::NotTaken { entry, each_time } => {
            let again_at =
                rules::pause_after(delivery.attempts).map(|pause| tenant.now_ms() + pause);
            (Some(entry).filter(|_| each_time || again_at.is_none()), again_at)
        }
    };
    tenant
        .write((delivery, again_at, entry), |tx, (delivery, again_at, entry)| {
            Box::pin(async move {
                let is_ours = match again_at {
                    Some(at) => store::put_off(tx, delivery, *at).await?,
                    None => store::delete(tx, delivery).await?,
                };
                match entry {
                    Some(entry) if is_ours => audit::append(tx, entry).await,
                    _ => Ok(()),
                }
            })
        })
        .await
}
