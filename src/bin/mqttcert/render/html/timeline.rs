//! The certificates' lives as bars over the years, with today as a line through them.

use std::fmt::Write as _;

use time::{Duration, OffsetDateTime};

use super::super::project::{Life, Setting};
use super::{short, text};

const WIDTH: i64 = 400;
const ROW: i64 = 44;
const HEAD: i64 = 20;

/// Draws them in the order given.
pub fn draw(out: &mut String, setting: &Setting, lives: &[Life], nth: usize) {
    let now = setting.now;
    // What lies further away is cut off at the edge: a certificate until 9999 must not squeeze the others.
    let far = |t: OffsetDateTime| {
        let year = Duration::days(365);
        t.max(now.saturating_sub(year * 4)).min(now.saturating_add(year * 12))
    };
    let first = lives.iter().map(|l| far(l.not_before)).min().unwrap_or(now).min(now);
    let last = lives.iter().map(|l| far(l.not_after)).max().unwrap_or(now).max(now);
    let span = (last - first).whole_seconds().max(1);
    let x = |t: OffsetDateTime| 2 + (far(t) - first).whole_seconds().clamp(0, span) * (WIDTH - 4) / span;

    let rows = i64::try_from(lives.len()).unwrap_or(0);
    let height = HEAD + rows * ROW + 4;
    let _ = write!(
        out,
        "<svg class=\"timeline\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"timeline{nth}\">\n\
         <title id=\"timeline{nth}\">From when until when each certificate is valid; the vertical line is {}.</title>\n",
        now.date()
    );
    years(out, first, last, &x, height);
    for (i, life) in (0..).zip(lives) {
        bar(out, setting, life, HEAD + i * ROW, &x);
    }
    let at = x(now);
    let _ =
        write!(out, "<line class=\"now\" x1=\"{at}\" y1=\"{HEAD}\" x2=\"{at}\" y2=\"{height}\"/>\n</svg>\n");
}

fn years(
    out: &mut String,
    first: OffsetDateTime,
    last: OffsetDateTime,
    x: &dyn Fn(OffsetDateTime) -> i64,
    height: i64,
) {
    let count = last.year() - first.year();
    let step = ((count + 5) / 6).max(1);
    let mut free = 0;
    for year in (first.year() + 1..=last.year()).filter(|y| y % step == 0) {
        let Ok(date) = time::Date::from_calendar_date(year, time::Month::January, 1) else { continue };
        let at = x(date.midnight().assume_utc());
        if at < free || at > WIDTH - 32 {
            continue;
        }
        free = at + 40;
        let _ = write!(
            out,
            "<line class=\"year\" x1=\"{at}\" y1=\"4\" x2=\"{at}\" y2=\"{height}\"/>\n\
             <text class=\"small\" x=\"{}\" y=\"13\">{year}</text>\n",
            at + 3
        );
    }
}

fn bar(out: &mut String, setting: &Setting, life: &Life, y: i64, x: &dyn Fn(OffsetDateTime) -> i64) {
    let left = (life.not_after - setting.now).whole_days();
    let (class, words) = if life.not_after <= setting.now {
        ("bad", format!("ended {}", life.not_after.date()))
    } else if life.not_before > setting.now {
        ("bad", format!("begins {}", life.not_before.date()))
    } else if left < 30 {
        ("late", format!("until {}, {left} days left", life.not_after.date()))
    } else {
        ("good", format!("until {}, {left} days left", life.not_after.date()))
    };
    let (from, to) = (x(life.not_before), x(life.not_after));
    let _ = write!(
        out,
        "<g><title>{} {} ({}): {} to {}</title>\n\
         <text x=\"2\" y=\"{}\"><tspan class=\"name\">{}</tspan> {}</text>\n\
         <rect class=\"life {class}\" x=\"{from}\" y=\"{}\" width=\"{}\" height=\"8\" rx=\"3\"/>\n\
         <text class=\"small\" x=\"2\" y=\"{}\">{}</text></g>\n",
        text(life.kind),
        text(&life.subject),
        text(&setting.path(&life.file)),
        life.not_before.date(),
        life.not_after.date(),
        y + 12,
        text(life.kind),
        short(&life.subject, 44),
        y + 17,
        (to - from).max(3),
        y + 36,
        text(&words)
    );
}
