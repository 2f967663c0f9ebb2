//! What an operator sees at a glance: how many users there are, come and are active. Days are those of UTC.

use schemars::JsonSchema;
use serde::Serialize;

pub use crate::calendar::Date;

use crate::activity::{self, Activity};
use crate::{Result, Tenant, users};

const DAY_MS: i64 = 86_400_000;
/// Days of a week, and of the month that is looked at.
const WEEK: i64 = 7;
const MONTH: i64 = 30;

/// How many users there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotalUsers {
    /// All of them.
    pub total_user_count: i64,
}

/// A number, and how much more it is than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// The number.
    pub count: i64,
    /// How much more than in the equally long time before.
    pub delta: i64,
}

/// How many users were created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewUsers {
    /// Since midnight.
    pub today: Change,
    /// Today and the six days before.
    pub last7_days: Change,
}

/// How many users were active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveUsers {
    /// The days of a month, the oldest first.
    pub dau_curve: Vec<DayOfCurve>,
    /// On the day.
    pub dau: Change,
    /// Within a week.
    pub wau: Change,
    /// Within a month.
    pub mau: Change,
}

/// A day and how many users were active on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DayOfCurve {
    /// The day.
    pub date: Date,
    /// So many users.
    pub count: i64,
}

/// How many users there are.
///
/// # Errors
/// When the database does not answer.
pub async fn total_users(tenant: &Tenant) -> Result<TotalUsers> {
    Ok(TotalUsers { total_user_count: users::count(&mut tenant.read().await?).await? })
}

/// How many users were created of late.
///
/// # Errors
/// When the database does not answer.
pub async fn new_users(tenant: &Tenant) -> Result<NewUsers> {
    let today = activity::day_of(tenant.now_ms()) * DAY_MS;
    let spans = [(0, 1), (-1, 0), (1 - WEEK, 1), (1 - 2 * WEEK, 1 - WEEK)]
        .map(|(from, until)| (today + from * DAY_MS, today + until * DAY_MS));
    let [of_today, of_yesterday, of_week, of_week_before] = tenant
        .scan(spans, |conn, spans| {
            Box::pin(async move {
                let mut found = [0; 4];
                for (count, (from, until)) in found.iter_mut().zip(spans) {
                    *count = users::count_created(conn, *from, *until).await?;
                }
                Ok::<_, crate::Error>(found)
            })
        })
        .await?;
    let change = |count: i64, before: i64| Change { count, delta: count - before };
    Ok(NewUsers {
        today: change(of_today, of_yesterday),
        last7_days: change(of_week, of_week_before),
    })
}

/// How many users were active on `date`, today unless given, and in the time before it.
///
/// # Errors
/// When the database does not answer.
pub async fn active_users(tenant: &Tenant, date: Option<Date>) -> Result<ActiveUsers> {
    let last = date.map_or_else(|| activity::day_of(tenant.now_ms()), Date::day);
    let first = last - 2 * MONTH + 1;
    let activity = tenant
        .scan((first, last), |conn, (first, last)| Box::pin(Activity::read(conn, *first, *last)))
        .await?;
    let change = |days: i64| {
        let (count, before) = (activity.within(last, days), activity.within(last - days, days));
        Change { count, delta: count - before }
    };
    let on = |day: i64| DayOfCurve { date: Date::of_day(day), count: activity.within(day, 1) };
    Ok(ActiveUsers {
        dau_curve: (last - MONTH + 1..=last).map(on).collect(),
        dau: change(1),
        wau: change(WEEK),
        mau: change(MONTH),
    })
}
