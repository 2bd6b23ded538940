//! Validity dates as they are written, and what they mean.

use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time as ClockTime, UtcOffset};

use super::der::tag;

/// A UTCTime or GeneralizedTime (RFC 5280 §4.1.2.5) as its octets stand there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Time {
    /// The identifier octet: 0x17 UTCTime, 0x18 GeneralizedTime, or something else.
    pub tag: u8,
    /// The content octets.
    pub octets: Vec<u8>,
}

impl Time {
    /// The instant, if it is written exactly as RFC 5280 demands: `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
    #[must_use]
    pub fn instant(&self) -> Option<OffsetDateTime> {
        let expected = if self.tag == tag::UTC_TIME { 13 } else { 15 };
        if self.octets.len() != expected { None } else { self.tolerant() }
    }

    /// The instant, also with a time zone, fractions of a second, or without seconds (X.680 §46 and §47).
    #[must_use]
    pub fn tolerant(&self) -> Option<OffsetDateTime> {
        self.read(false)
    }

    /// As Java reads it: a day that the month does not have, up to the 31st, stands for one of the next month, and
    /// only a GeneralizedTime may have a fraction, with digits.
    #[must_use]
    pub fn rolling(&self) -> Option<OffsetDateTime> {
        let dot = self.octets.iter().position(|b| matches!(b, b'.' | b','));
        let fraction = dot.and_then(|at| self.octets.get(at + 1));
        if dot.is_some() && (self.tag == tag::UTC_TIME || !fraction.is_some_and(u8::is_ascii_digit)) {
            return None;
        }
        self.read(true)
    }

    fn read(&self, roll: bool) -> Option<OffsetDateTime> {
        let text = std::str::from_utf8(&self.octets).ok()?;
        let digits = match self.tag {
            tag::UTC_TIME => 2,
            tag::GENERALIZED_TIME => 4,
            _ => return None,
        };
        let mut rest = text;
        let mut number = |n: usize| -> Option<u32> {
            let (head, tail) = rest.split_at_checked(n)?;
            if !head.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            rest = tail;
            head.parse().ok()
        };
        let mut year = number(digits)?;
        if digits == 2 {
            year += if year < 50 { 2000 } else { 1900 };
        }
        let (month, day, hour, minute) = (number(2)?, number(2)?, number(2)?, number(2)?);
        let second = number(2).unwrap_or(0);
        if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        let offset = match rest.split_at_checked(1)? {
            ("Z", "") => UtcOffset::UTC,
            (sign @ ("+" | "-"), zone) if zone.len() == 4 => {
                let hours: i8 = zone.get(..2)?.parse().ok()?;
                let minutes: i8 = zone.get(2..)?.parse().ok()?;
                let sign = if sign == "-" { -1 } else { 1 };
                UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()?
            }
            _ => return None,
        };
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        let (year, day) = (i32::try_from(year).ok()?, u8::try_from(day).ok()?);
        let date = match Date::from_calendar_date(year, month, day) {
            Err(_) if roll && (29..=31).contains(&day) => {
                let over = i64::from(day - month.length(year));
                Date::from_calendar_date(year, month, month.length(year))
                    .ok()?
                    .checked_add(Duration::days(over))?
            }
            date => date.ok()?,
        };
        let clock = ClockTime::from_hms(
            u8::try_from(hour).ok()?,
            u8::try_from(minute).ok()?,
            u8::try_from(second).ok()?,
        )
        .ok()?;
        PrimitiveDateTime::new(date, clock).assume_offset(offset).checked_to_offset(UtcOffset::UTC)
    }

    /// The octets for people.
    #[must_use]
    pub fn as_written(&self) -> String {
        String::from_utf8_lossy(self.octets.get(..self.octets.len().min(40)).unwrap_or_default()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tag: u8, text: &str) -> Time {
        Time { tag, octets: text.as_bytes().to_vec() }
    }

    #[test]
    fn reads_both_forms_of_rfc_5280() {
        let y = |t: Time| t.instant().map(|i| i.year());
        assert_eq!(y(at(0x17, "491231235959Z")), Some(2049));
        assert_eq!(y(at(0x17, "500101000000Z")), Some(1950));
        assert_eq!(y(at(0x18, "99991231235959Z")), Some(9999));
        assert_eq!(y(at(0x18, "20261301000000Z")), None);
        assert_eq!(y(at(0x18, "20260101000000.5Z")), None);
    }

    #[test]
    fn reads_zones_fractions_and_missing_seconds_only_tolerantly() {
        let t = |t: Time| t.tolerant().map(|i| (i.hour(), i.minute()));
        assert_eq!(t(at(0x17, "260101120000+0130")), Some((10, 30)));
        assert_eq!(t(at(0x17, "2601011200Z")), Some((12, 0)));
        assert_eq!(t(at(0x18, "20260101000000.123Z")), Some((0, 0)));
        assert_eq!(t(at(0x18, "20260101000000")), None);
        assert_eq!(t(at(0x18, "ü")), None);
    }
}
