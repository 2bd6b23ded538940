//! The instant that each library reads in a date of the validity: which forms it takes, and which impossible days.

use time::{Date, Duration, Month, OffsetDateTime};

use super::stack::Parse;
use crate::cert::der::tag;
use crate::cert::time::Time;

/// The instant that a library reads, or `None` where it refuses the date.
pub(super) fn read(library: Parse, date: &Time) -> Option<OffsetDateTime> {
    let d = Digits::of(date);
    match library {
        Parse::Go(_) => go(&d?),
        // library/x509.c x509_parse_time(): seconds are demanded, the Z is not.
        Parse::Mbedtls { .. } => d
            .filter(|d| matches!(d.rest, b"" | b"Z") && d.second.is_some() && d.real_day() && d.clock(59))?
            .instant(),
        // libtasn1 demands digits and Z; mktime_utc() in lib/x509/time.c takes day 31 and second 60 in any month.
        Parse::Gnutls => {
            let d = d.filter(|d| d.rest == b"Z" && d.day_31() && d.clock(60))?;
            if d.year < 1970 { Some(OffsetDateTime::UNIX_EPOCH) } else { d.instant() }
        }
        Parse::Nss => nss(&d?),
        // src/x509/asn1.t0 read-date: seconds to 60, fractions, and nothing but Z behind.
        Parse::Bearssl => {
            let d = d.filter(|d| d.second.is_some() && d.real_day() && d.clock(60))?;
            (d.without_fraction() == b"Z").then(|| d.instant())?
        }
        // calendar:date_to_gregorian_days/3: the clock is not looked at.
        Parse::Erlang => erlang(date)?.instant(),
        Parse::Java | Parse::Wolfssl => date.tolerant(),
        Parse::Openssl | Parse::Chromium | Parse::S2n | Parse::Webpki => date.instant(),
    }
}

/// `ReadASN1UTCTime` and `ReadASN1GeneralizedTime` of cryptobyte: what is read must be written again in the same
/// octets, so an offset of zero must be a Z, and there are no fractions.
fn go(d: &Digits<'_>) -> Option<OffsetDateTime> {
    if !d.real_day() || !d.clock(59) || (d.second.is_none() && !d.utc) {
        return None;
    }
    match d.offset() {
        Some(offset) if d.rest == b"Z" || offset != 0 => d.instant()?.checked_sub(Duration::seconds(offset)),
        _ => None,
    }
}

/// `pubkey_cert:time_str_2_gregorian_sec/1`: fifteen characters are a date with four digits of the year, whatever its
/// type says.
fn erlang(date: &Time) -> Option<Digits<'_>> {
    let long = date.octets.len() == 15;
    let mut d = if long { Digits::with_year(date, false) } else { Digits::of(date).filter(|d| d.utc) }?;
    d.utc = !long;
    Some(d).filter(|d| d.second.is_some() && d.rest == b"Z" && d.real_day())
}

/// `der_TimeStringToTime` of lib/util/dertime.c.
fn nss(d: &Digits<'_>) -> Option<OffsetDateTime> {
    if !d.day_31() || !d.clock(59) {
        return None;
    }
    d.instant()?.checked_sub(Duration::seconds(d.offset()?))
}

/// A date taken apart; nothing is compared with a calendar yet.
struct Digits<'a> {
    utc: bool,
    year: i32,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: Option<u8>,
    rest: &'a [u8],
}

impl<'a> Digits<'a> {
    fn of(date: &'a Time) -> Option<Self> {
        match date.tag {
            tag::UTC_TIME => Self::with_year(date, true),
            tag::GENERALIZED_TIME => Self::with_year(date, false),
            _ => None,
        }
    }

    /// With a year of two digits (UTCTime) or of four.
    fn with_year(date: &'a Time, utc: bool) -> Option<Self> {
        let mut rest = date.octets.as_slice();
        let mut pair = || -> Option<u8> {
            let [a @ b'0'..=b'9', b @ b'0'..=b'9', tail @ ..] = rest else { return None };
            rest = tail;
            Some((a - b'0') * 10 + (b - b'0'))
        };
        let year = match utc {
            true => match pair()? {
                y @ 0..50 => 2000 + i32::from(y),
                y => 1900 + i32::from(y),
            },
            false => i32::from(pair()?) * 100 + i32::from(pair()?),
        };
        let (month, day, hour, minute) = (pair()?, pair()?, pair()?, pair()?);
        let second = pair();
        Some(Self { utc, year, month, day, hour, minute, second, rest })
    }

    fn first_of_month(&self) -> Option<Date> {
        Date::from_calendar_date(self.year, Month::try_from(self.month).ok()?, 1).ok()
    }

    /// Whether the calendar has this day.
    fn real_day(&self) -> bool {
        Month::try_from(self.month)
            .is_ok_and(|month| Date::from_calendar_date(self.year, month, self.day).is_ok())
    }

    /// Whether the month exists and the day is one of 1 to 31.
    fn day_31(&self) -> bool {
        self.first_of_month().is_some() && (1..=31).contains(&self.day)
    }

    fn clock(&self, last_second: u8) -> bool {
        self.hour < 24 && self.minute < 60 && self.second.unwrap_or(0) <= last_second
    }

    /// Seconds east of UTC, from `Z`, `+hhmm` or `-hhmm`.
    fn offset(&self) -> Option<i64> {
        match self.rest {
            b"Z" => Some(0),
            [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
                let number = |a: u8, b: u8| {
                    (a.is_ascii_digit() && b.is_ascii_digit())
                        .then(|| i64::from((a - b'0') * 10 + (b - b'0')))
                };
                let (hours, minutes) = (number(*h1, *h2)?, number(*m1, *m2)?);
                let seconds = (hours < 24 && minutes < 60).then_some((hours * 60 + minutes) * 60)?;
                Some(if *sign == b'-' { -seconds } else { seconds })
            }
            _ => None,
        }
    }

    fn without_fraction(&self) -> &'a [u8] {
        match self.rest {
            [b'.', tail @ ..] => {
                let end = tail.iter().position(|b| !b.is_ascii_digit()).unwrap_or(tail.len());
                tail.get(end..).unwrap_or_default()
            }
            rest => rest,
        }
    }

    /// The instant as plain arithmetic: day 31 of February is the third of March.
    fn instant(&self) -> Option<OffsetDateTime> {
        let day = self.first_of_month()?.midnight().assume_utc();
        let days = Duration::days(i64::from(self.day) - 1);
        let hours = Duration::hours(i64::from(self.hour)) + Duration::minutes(i64::from(self.minute));
        day.checked_add(days + hours + Duration::seconds(i64::from(self.second.unwrap_or(0))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::stack::GoVersion;
    use super::*;

    const GO: Parse = Parse::Go(GoVersion::V1_27);

    const ALL: [Parse; 6] =
        [GO, Parse::Mbedtls { three: false }, Parse::Gnutls, Parse::Nss, Parse::Bearssl, Parse::Erlang];

    fn who_reads(tag: u8, text: &str) -> Vec<Parse> {
        let date = Time { tag, octets: text.as_bytes().to_vec() };
        ALL.into_iter().filter(|l| read(*l, &date).is_some()).collect()
    }

    #[test]
    fn everybody_reads_the_form_of_rfc_5280() {
        assert_eq!(who_reads(0x17, "210101000000Z"), ALL);
        assert_eq!(who_reads(0x18, "20210101000000Z"), ALL);
        assert!(who_reads(0x17, "211301000000Z").is_empty());
    }

    #[test]
    fn seconds_zones_and_fractions_divide_the_libraries() {
        assert_eq!(who_reads(0x17, "2101010000Z"), [GO, Parse::Gnutls, Parse::Nss]);
        assert_eq!(who_reads(0x17, "210101000000"), [Parse::Mbedtls { three: false }]);
        assert_eq!(who_reads(0x17, "210101000000+0000"), [Parse::Nss]);
        assert_eq!(who_reads(0x17, "210101000000+0100"), [GO, Parse::Nss]);
        assert_eq!(who_reads(0x18, "20210101000000.5Z"), [Parse::Bearssl]);
    }

    #[test]
    fn impossible_days_and_seconds_are_arithmetic_for_some() {
        assert_eq!(who_reads(0x17, "210231000000Z"), [Parse::Gnutls, Parse::Nss]);
        assert_eq!(who_reads(0x17, "210630235960Z"), [Parse::Gnutls, Parse::Bearssl, Parse::Erlang]);
        let february = Time { tag: 0x17, octets: b"210231000000Z".to_vec() };
        assert_eq!(read(Parse::Nss, &february).map(|t| (u8::from(t.month()), t.day())), Some((3, 3)));
    }
}
