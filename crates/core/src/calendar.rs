//! Dates of the Gregorian calendar, and moments as ISO 8601 writes them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// The first and last day there is a date for: 0001-01-01 and 9999-12-31.
const DAYS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

/// A date, written as `2026-01-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Date {
    day: i64,
}

impl Date {
    /// The date of a day counted from 1970-01-01.
    pub(crate) fn of_day(day: i64) -> Self {
        Self { day: day.clamp(*DAYS.start(), *DAYS.end()) }
    }

    /// Days since 1970-01-01.
    pub(crate) fn day(self) -> i64 {
        self.day
    }

    /// Reads `YYYY-MM-DD`; `None` when there is no such day.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |range: std::ops::Range<usize>| {
            let digits = text.get(range)?;
            let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
            are_digits.then(|| digits.parse::<i64>().ok()).flatten()
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        if year == 0 || !(1..=12).contains(&month) {
            return None;
        }
        let date = Self::of_day(days_of(year, month, day));
        // A day that its month does not have comes out as one of the next.
        (date.parts() == (year, month, day)).then_some(date)
    }

    /// Year, month and day of the month.
    pub(crate) fn parts(self) -> (i64, i64, i64) {
        // Counted from 0000-03-01, so that the day of leap years comes last.
        let from_march = self.day + 719_468;
        let era = from_march.div_euclid(146_097);
        let of_era = from_march.rem_euclid(146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        (year + era * 400 + i64::from(month <= 2), month, day)
    }
}

/// A moment in Unix milliseconds as `2026-01-31T12:00:00.000Z`.
pub(crate) fn iso8601(ms: i64) -> String {
    const DAY_MS: i64 = 86_400_000;
    let of_day = ms.rem_euclid(DAY_MS);
    let (seconds, thousandths) = (of_day / 1000, of_day % 1000);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let date = Date::of_day(ms.div_euclid(DAY_MS));
    format!("{date}T{hours:02}:{minutes:02}:{:02}.{thousandths:03}Z", seconds % 60)
}

fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(formatter, "{year:04}-{month:02}-{day:02}")
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days_are_named() {
        for (day, name) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (20_454, "2026-01-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (*DAYS.start(), "0001-01-01"),
            (*DAYS.end(), "9999-12-31"),
        ] {
            assert_eq!(Date::of_day(day).to_string(), name);
            assert_eq!(Date::parse(name), Some(Date::of_day(day)));
        }
    }

    #[test]
    fn a_moment_is_written_to_the_millisecond() {
        assert_eq!(iso8601(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso8601(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(iso8601(1_767_225_600_000 + 45_296_007), "2026-01-01T12:34:56.007Z");
    }

    #[test]
    fn every_day_of_four_centuries_is_read_back() {
        for day in -146_097..=146_097 {
            assert_eq!(Date::parse(&Date::of_day(day).to_string()), Some(Date::of_day(day)));
        }
    }

    #[test]
    fn days_that_are_not_are_refused() {
        for text in [
            "",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-1-1",
            "0000-01-01",
            "2026/01/01",
            "20260101xx",
            "+026-01-01",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }
}
