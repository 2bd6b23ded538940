//! The deployment as a picture: clients on the left, the listeners that they reach on the right, a line per client in
//! the colour of its decision (and with its word).

use std::fmt::Write as _;

use super::super::project::{Broker, Dial};
use super::{class_of, short, text};

const WIDTH: i32 = 400;
const CLIENT: i32 = 142;
const LISTENER_X: i32 = 276;
const ROW: i32 = 46;
const BROKER_HEAD: i32 = 26;
const LISTENER_ROW: i32 = 34;

/// Draws it. `nth` keeps ids of several pictures on one page apart.
pub fn draw(out: &mut String, brokers: &[Broker], dials: &[Dial], nth: usize) {
    let left = i32::try_from(dials.len()).unwrap_or(i32::MAX / ROW - 1).saturating_mul(ROW);
    let elsewhere = dials.iter().any(|d| anchor(brokers, d).is_none());
    let right = height_of(brokers) + if elsewhere { BROKER_HEAD + LISTENER_ROW } else { 0 };
    let height = left.max(right) + 8;
    let _ = write!(
        out,
        "<svg class=\"picture\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"picture{nth}\">\n\
         <title id=\"picture{nth}\">Clients on the left, the broker's listeners on the right; each line is marked with \
         its decision.</title>\n"
    );
    let shift = (left - right).max(0) / 2;
    let offset = (right - left).max(0) / 2;
    for (i, dial) in (0..).zip(dials) {
        let y = offset + i * ROW + ROW / 2;
        let end =
            shift + anchor(brokers, dial).unwrap_or(height_of(brokers) + BROKER_HEAD + LISTENER_ROW / 2);
        line(out, dial, y, end);
    }
    for (i, dial) in (0..).zip(dials) {
        client(out, dial, offset + i * ROW + 4);
    }
    let mut y = shift;
    for broker in brokers {
        self::broker(out, broker, &mut y);
    }
    if elsewhere {
        let unknown = Broker { label: "not found here".into(), listeners: Vec::new() };
        self::broker(out, &unknown, &mut y);
    }
    out.push_str("</svg>\n");
}

fn height_of(brokers: &[Broker]) -> i32 {
    brokers.iter().map(height).sum()
}

fn height(broker: &Broker) -> i32 {
    let rows = i32::try_from(broker.listeners.len().max(1)).unwrap_or(1);
    BROKER_HEAD + rows.saturating_mul(LISTENER_ROW) + 14
}

/// Where a client's line ends, measured from the first broker's top; `None` for a broker that is not here.
fn anchor(brokers: &[Broker], dial: &Dial) -> Option<i32> {
    let (index, port) = dial.broker?;
    let broker = brokers.get(index)?;
    let above = height_of(brokers.get(..index)?);
    let row = (0..).zip(&broker.listeners).find(|(_, l)| l.0 == port).map_or(0, |(i, _)| i);
    Some(above + BROKER_HEAD + row * LISTENER_ROW + LISTENER_ROW / 2)
}

fn line(out: &mut String, dial: &Dial, y: i32, end: i32) {
    let class = class_of(dial.decision);
    let width = 8 + 7 * i32::try_from(dial.decision.len()).unwrap_or(0);
    // The word stands where the line leaves the client: there lines do not cross yet.
    let x = CLIENT + 8;
    let start = x + width;
    let middle = (start + LISTENER_X) / 2;
    let _ = write!(
        out,
        "<path class=\"line {class}\" d=\"M{CLIENT} {y} H{} C{} {y} {middle} {end} {LISTENER_X} {end}\"/>\n\
         <rect class=\"word {class}\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"18\" rx=\"9\"/>\n\
         <text class=\"word\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
        start,
        middle,
        y - 9,
        x + width / 2,
        y + 4,
        text(dial.decision)
    );
}

fn client(out: &mut String, dial: &Dial, y: i32) {
    let class = class_of(dial.decision);
    let _ = write!(
        out,
        "<g><title>{} dials {}: {}</title>\n<rect class=\"box {class}\" x=\"1\" y=\"{y}\" width=\"{}\" height=\"{}\" \
         rx=\"6\"/>\n<text class=\"name\" x=\"10\" y=\"{}\">{}</text>\n<text class=\"small\" x=\"10\" y=\"{}\">{}</text></g>\n",
        text(&dial.who),
        text(&dial.to),
        text(&dial.why),
        CLIENT - 1,
        ROW - 8,
        y + 16,
        short(&dial.who, 17),
        y + 31,
        short(&dial.to, 21)
    );
}

fn broker(out: &mut String, broker: &Broker, y: &mut i32) {
    let width = WIDTH - LISTENER_X - 1;
    let known = !broker.listeners.is_empty();
    let _ = write!(
        out,
        "<g><title>{}</title>\n<rect class=\"box{}\" x=\"{LISTENER_X}\" y=\"{}\" width=\"{width}\" height=\"{}\" rx=\"6\"/>\n\
         <text class=\"name\" x=\"{}\" y=\"{}\">{}</text>\n",
        text(&broker.label),
        if known { "" } else { " ghost" },
        *y + 4,
        height(broker) - 10,
        LISTENER_X + 10,
        *y + 21,
        short(&broker.label, 15)
    );
    for (i, (port, tls, protocol)) in (0..).zip(&broker.listeners) {
        let top = *y + BROKER_HEAD + i * LISTENER_ROW;
        let _ = write!(
            out,
            "<rect class=\"listener {}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>\n\
             <text x=\"{}\" y=\"{}\">{}</text>\n<text class=\"small\" x=\"{}\" y=\"{}\">{}, {}</text>\n",
            if *tls { "good" } else { "late" },
            LISTENER_X + 8,
            top + 3,
            width - 16,
            LISTENER_ROW - 6,
            LISTENER_X + 14,
            top + 16,
            if *port == 0 { "listener".to_owned() } else { port.to_string() },
            LISTENER_X + 14,
            top + 27,
            if *tls { "TLS" } else { "plaintext" },
            text(protocol)
        );
    }
    out.push_str("</g>\n");
    *y += height(broker);
}
