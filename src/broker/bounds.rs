//! The numbers and switches of a mosquitto.conf that shape what every client gets (mosquitto.conf(5), read in the
//! source of 2.0.11).

use std::num::NonZeroU32;

use crate::mosquitto::{ListenerConf, MosquittoConf};
use crate::mqtt::QoS;

/// What holds for the whole broker.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    /// `max_inflight_messages`; `None`: as many as there are.
    pub in_flight: Option<u16>,
    /// `max_inflight_bytes`, of payload.
    pub in_flight_bytes: usize,
    /// `max_queued_messages`; `usize::MAX`: any number.
    pub queued: usize,
    /// `max_queued_bytes`, of payload; `usize::MAX`: any number.
    pub queued_bytes: usize,
    /// `max_packet_size`, without the first byte.
    pub packet: Option<NonZeroU32>,
    /// `message_size_limit`: larger payloads are dropped.
    pub payload: usize,
    /// `max_keepalive`, seconds; 0: any.
    pub keep_alive: u16,
    /// `persistent_client_expiration`, seconds.
    pub session: Option<u32>,
    /// `retain_available`.
    pub retain: bool,
    /// `queue_qos0_messages`.
    pub queue_qos0: bool,
    /// `upgrade_outgoing_qos`.
    pub upgrade_qos: bool,
    /// `allow_duplicate_messages`.
    pub duplicates: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            in_flight: Some(20),
            in_flight_bytes: usize::MAX,
            queued: 1000,
            queued_bytes: usize::MAX,
            packet: None,
            payload: usize::MAX,
            keep_alive: u16::MAX,
            session: None,
            retain: true,
            queue_qos0: false,
            upgrade_qos: false,
            duplicates: false,
        }
    }
}

impl Bounds {
    /// The lines in force; of two the last counts.
    pub(super) fn of(conf: &MosquittoConf) -> Self {
        let mut bounds = Self::default();
        for d in &conf.directives {
            let word = d.value.split_whitespace().next().unwrap_or_default();
            let number = crate::mosquitto::number(word);
            // To Mosquitto 0 is no bound, and a negative number wraps to a large one.
            let most = || usize::try_from(number).ok().filter(|n| *n > 0).unwrap_or(usize::MAX);
            let on = matches!(word, "true" | "1");
            match d.keyword.as_str() {
                "max_inflight_messages" => {
                    bounds.in_flight = u16::try_from(number).ok().filter(|n| ![0, u16::MAX].contains(n));
                }
                "max_inflight_bytes" => bounds.in_flight_bytes = most(),
                "max_queued_messages" => bounds.queued = most(),
                "max_queued_bytes" => bounds.queued_bytes = most(),
                "max_packet_size" => bounds.packet = u32::try_from(number).ok().and_then(NonZeroU32::new),
                "message_size_limit" => bounds.payload = most(),
                "max_keepalive" => bounds.keep_alive = u16::try_from(number).unwrap_or(u16::MAX),
                "persistent_client_expiration" => bounds.session = seconds(word),
                "retain_available" => bounds.retain = on,
                "queue_qos0_messages" => bounds.queue_qos0 = on,
                "upgrade_outgoing_qos" => bounds.upgrade_qos = on,
                "allow_duplicate_messages" => bounds.duplicates = on,
                _ => {}
            }
        }
        bounds
    }

    /// How many messages above QoS 0 may be under way at once.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.map_or(usize::MAX, usize::from)
    }

    /// Whether one more message may wait in a session that holds this many, with so many bytes of payload.
    pub(super) fn has_room(&self, count: usize, bytes: usize, under_way: Option<usize>) -> bool {
        // While the client is connected, what may be under way does not count; without a bound everything does.
        let bound = |n: usize| if n == usize::MAX { 0 } else { n };
        let (free, free_bytes) = under_way.map_or((0, 0), |n| (bound(n), bound(self.in_flight_bytes)));
        count.saturating_sub(free) < self.queued && bytes.saturating_sub(free_bytes) < self.queued_bytes
    }
}

/// `2h`, `3d`, `1w`, `1m` (30 days), `1y` in seconds; more than a session can be told of is for ever.
fn seconds(word: &str) -> Option<u32> {
    let unit = match word.bytes().last()? {
        b'h' => 3600,
        b'd' => 86_400,
        b'w' => 7 * 86_400,
        b'm' => 30 * 86_400,
        b'y' => 365 * 86_400,
        _ => return None,
    };
    u32::try_from(crate::mosquitto::number(word)).ok()?.checked_mul(unit)
}

/// What holds for one listener.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListenerBounds {
    /// `max_qos`.
    pub qos: QoS,
    /// `max_topic_alias`.
    pub aliases: u16,
}

impl Default for ListenerBounds {
    fn default() -> Self {
        Self { qos: QoS::ExactlyOnce, aliases: 10 }
    }
}

impl ListenerBounds {
    /// The lines behind a listener's own, up to the next; before the first one they are the default listener's.
    pub(super) fn of(whole: &MosquittoConf, own: &ListenerConf) -> Self {
        let mut bounds = Self::default();
        for d in whole.of_listener(own) {
            let number = crate::mosquitto::number(&d.value);
            match d.keyword.as_str() {
                "max_qos" | "maximum_qos" => {
                    bounds.qos =
                        u8::try_from(number).ok().and_then(QoS::from_bits).unwrap_or(QoS::ExactlyOnce);
                }
                "max_topic_alias" => bounds.aliases = u16::try_from(number).unwrap_or(0),
                _ => {}
            }
        }
        bounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_as_mosquitto_does() {
        assert_eq!(
            ["1h", "2d", "1w", "1m", "1y"].map(seconds),
            [3600, 172_800, 604_800, 2_592_000, 31_536_000].map(Some)
        );
        assert_eq!([seconds("200y"), seconds("")], [None, None]);
    }

    #[test]
    fn what_may_be_under_way_takes_no_room_in_the_queue_of_a_connected_client() {
        let bounds = Bounds { queued: 3, ..Bounds::default() };
        assert!(bounds.has_room(4, 0, Some(2)) && !bounds.has_room(5, 0, Some(2)));
        assert!(bounds.has_room(2, 0, None) && !bounds.has_room(3, 0, None));
    }
}
