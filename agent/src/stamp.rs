//! Seconds since 1970 as the dates that people read in the lock and the log, and back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use toml::value::{Date, Datetime, Offset, Time};

/// Seconds since 1970.
pub fn now() -> u64 {
    since_1970().as_secs()
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)
}

/// A clock before 1970 counts as one at its beginning.
fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
}

/// Date and time in UTC as people read them: `2026-11-24 01:20:37`.
pub fn plain(seconds: u64) -> String {
    from_seconds(seconds)
        .to_string()
        .replace('T', " ")
        .replace('Z', "")
}

/// The date and time in UTC. Years beyond 9999 are cut to it.
pub fn from_seconds(seconds: u64) -> Datetime {
    let days = (seconds / 86_400).min(2_932_896);
    let rest = seconds % 86_400;
    let (year, month, day) = civil(days);
    Datetime {
        date: Some(Date { year, month, day }),
        time: Some(Time {
            hour: (rest / 3_600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: Some((rest % 60) as u8),
            nanosecond: None,
        }),
        offset: Some(Offset::Z),
    }
}

/// Seconds since 1970; `None` for a date that is not in UTC or before 1970.
pub fn to_seconds(stamp: &Datetime) -> Option<u64> {
    let (date, time) = (stamp.date?, stamp.time?);
    if !matches!(stamp.offset?, Offset::Z) || date.year < 1970 {
        return None;
    }
    let clock = u64::from(time.hour) * 3_600
        + u64::from(time.minute) * 60
        + u64::from(time.second.unwrap_or(0));
    Some(days(date.year, date.month, date.day) * 86_400 + clock)
}

/// Year, month and day of a number of days since 1970, in eras of 400 years that begin in March,
/// so that the leap day is the last of its year.
fn civil(days: u64) -> (u16, u8, u8) {
    let shifted = days + 719_468;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + shifted / 146_097 * 400 + u64::from(month <= 2);
    (year as u16, month as u8, day as u8)
}

fn days(year: u16, month: u8, day: u8) -> u64 {
    let year = u64::from(year) - u64::from(month <= 2);
    let month_from_march = (u64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + u64::from(day) - 1;
    let year_of_era = year % 400;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year / 400 * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_as_people_write_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_827_696, "2000-02-29T12:34:56Z"),
            (1_000_000_000, "2001-09-09T01:46:40Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
        ] {
            assert_eq!(from_seconds(seconds).to_string(), text);
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for day in 0..146_097 {
            let seconds = day * 86_400 + 3_723;
            assert_eq!(to_seconds(&from_seconds(seconds)), Some(seconds));
        }
    }
}
