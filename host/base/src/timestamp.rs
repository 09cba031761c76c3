//! Points in time: as a manifest writes them, RFC 3339, UTC, whole seconds, one spelling each; as logs and events write them, to the
//! microsecond.

use std::{
    cell::Cell,
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z, up to the end of the year 9999. Its text form is `2026-03-01T12:00:00Z`, and no other is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last second that the text form can name: 9999-12-31T23:59:59Z.
    pub const MAX: Self = Self(253_402_300_799);

    /// From seconds since the epoch. None beyond [`Timestamp::MAX`].
    pub const fn from_unix_seconds(seconds: u64) -> Option<Self> {
        if seconds <= Self::MAX.0 {
            Some(Self(seconds))
        } else {
            None
        }
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.0
    }

    /// The second in which `time` lies. None before 1970 and beyond [`Timestamp::MAX`].
    pub fn from_system_time(time: SystemTime) -> Option<Self> {
        Self::from_unix_seconds(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
    }

    /// The beginning of this second. None if the system's clock cannot represent it.
    #[must_use]
    pub fn to_system_time(self) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_secs(self.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.0 / DAY);
        let second = self.0 % DAY;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        parse(text).ok_or(TimestampError)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

/// A text is not a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a time is written in UTC with whole seconds, between 1970 and 9999, as in `2026-03-01T12:00:00Z`"
)]
pub struct TimestampError;

const DAY: u64 = 86_400;

fn parse(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        o1,
        o2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        m1,
        m2,
        b':',
        s1,
        s2,
        b'Z',
    ] = bytes
    else {
        return None;
    };
    let number = |digits: &[&u8]| {
        digits.iter().try_fold(0u64, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + u64::from(*byte - b'0'))
        })
    };
    let (year, month, day) = (
        number(&[y1, y2, y3, y4])?,
        number(&[o1, o2])?,
        number(&[d1, d2])?,
    );
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?);
    // RFC 3339 knows second 60; Unix time does not, so no manifest needs it.
    if hour > 23 || minute > 59 || second > 59 || !(1970..=9999).contains(&year) {
        return None;
    }
    let days = days(year, month, day);
    // A day that does not exist would come back as another one.
    if !(1..=12).contains(&month) || date(days) != (year, month, day) {
        return None;
    }
    Timestamp::from_unix_seconds(days * DAY + hour * 3600 + minute * 60 + second)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar in or after 1970. Years are taken to begin in March, so that the leap day is
/// their last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let in_year = (153 * month + 2) / 5 + day;
    // 719_469 is the same sum for 1970-01-01, so that this day is 0.
    (year * 365 + year / 4 - year / 100 + year / 400 + in_year).saturating_sub(719_469)
}

/// The inverse of [`days`].
fn date(days: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01, in eras of 400 years.
    let since = days + 719_468;
    let (era, day) = (since / 146_097, since % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let in_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    if month < 10 {
        (era * 400 + year, month + 3, day)
    } else {
        (era * 400 + year + 1, month - 9, day)
    }
}

/// A time in UTC to the microsecond: `2026-03-01T12:00:00.123456Z`. Before 1970 and after 9999 it is the nearest that can be written.
pub fn push_time(bytes: &mut Vec<u8>, at: SystemTime) {
    thread_local! {
        /// The last second that was written. Most records share it with the one before, and the calendar takes longer than all the rest.
        static LAST: Cell<(u64, [u8; 19])> = const { Cell::new((0, *b"1970-01-01T00:00:00")) };
    }
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let second = since.as_secs().min(Timestamp::MAX.unix_seconds());
    let (last, mut text) = LAST.get();
    if last != second
        && let Some(timestamp) = Timestamp::from_unix_seconds(second)
        && let Some(written) = timestamp.to_string().as_bytes().first_chunk::<19>()
    {
        text = *written;
        LAST.set((second, text));
    }
    bytes.extend_from_slice(&text);
    bytes.push(b'.');
    let mut rest = since.subsec_micros();
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        // INVARIANT: a remainder by ten is one digit.
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    bytes.extend_from_slice(&digits);
    bytes.push(b'Z');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2001-09-09T01:46:40Z", 1_000_000_000),
            ("2038-01-19T03:14:08Z", 2_147_483_648),
            ("9999-12-31T23:59:59Z", Timestamp::MAX.0),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp(seconds)));
            assert_eq!(Timestamp(seconds).to_string(), text);
        }
        assert_eq!(Timestamp::from_unix_seconds(Timestamp::MAX.0 + 1), None);
    }

    #[test]
    fn times_to_the_microsecond_read_as_they_are() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_000_000_000_000_042, "2001-09-09T01:46:40.000042Z"),
            (1_000_000_000_999_999, "2001-09-09T01:46:40.999999Z"),
            (1_000_000_001_000_000, "2001-09-09T01:46:41.000000Z"),
        ] {
            let mut bytes = Vec::new();
            push_time(&mut bytes, UNIX_EPOCH + Duration::from_micros(micros));
            assert_eq!(String::from_utf8(bytes).unwrap(), text);
        }
    }

    #[test]
    fn every_day_reads_back_and_is_the_day_after_the_one_before() {
        let mut before = (1969, 12, 31);
        for day in 0..=Timestamp::MAX.0 / DAY {
            let this = date(day);
            assert_eq!(days(this.0, this.1, this.2), day);
            let follows = match (this, before) {
                ((y, m, d), (y0, m0, d0)) if (y, m) == (y0, m0) => d == d0 + 1,
                ((y, m, 1), (y0, m0, d0)) if (y, m) == (y0, m0 + 1) => {
                    let leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
                    d0 == [
                        31,
                        28 + u64::from(leap),
                        31,
                        30,
                        31,
                        30,
                        31,
                        31,
                        30,
                        31,
                        30,
                        31,
                    ][m0 as usize - 1]
                }
                ((y, 1, 1), (y0, 12, 31)) => y == y0 + 1,
                _ => false,
            };
            assert!(follows, "{before:?} {this:?}");
            before = this;
        }
    }

    #[test]
    fn refuses_every_other_spelling() {
        for bad in [
            "",
            "2026-03-01",
            "2026-03-01T12:00:00",
            "2026-03-01t12:00:00Z",
            "2026-03-01T12:00:00z",
            "2026-03-01 12:00:00Z",
            "2026-03-01T12:00:00.0Z",
            "2026-03-01T12:00:00+00:00",
            "2026-02-29T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "1900-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T23:60:00Z",
            "2026-06-30T23:59:60Z",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:0 Z",
            "２026-01-01T00:00:0Z",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(bad.parse::<Timestamp>(), Err(TimestampError), "{bad}");
        }
    }
}
