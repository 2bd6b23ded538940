//! Topic names and filters, as far as configuration and ACL files use them (MQTT 3.1.1 §4.7).

/// Mosquitto's `TOPIC_HIERARCHY_LIMIT`.
const MAX_SLASHES: usize = 200;

/// Whether a text is a topic that can be published to: no wildcard, not too long, not too deep.
pub(crate) fn is_topic(text: &str) -> bool {
    !text.contains(['+', '#']) && is_sized(text)
}

/// Whether a text is a topic filter: `+` alone in a level, `#` alone in the last.
pub(crate) fn is_filter(text: &str) -> bool {
    let last = text.split('/').count().saturating_sub(1);
    let levels_fit = text.split('/').enumerate().all(|(at, level)| match level {
        "+" => true,
        "#" => at == last,
        other => !other.contains(['+', '#']),
    });
    levels_fit && is_sized(text)
}

fn is_sized(text: &str) -> bool {
    text.len() <= 65535 && text.matches('/').count() <= MAX_SLASHES
}

/// Whether `filter` covers `topic`. `a/#` covers `a`; a wildcard in the first level covers no `$` topic.
pub(crate) fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') != filter.starts_with('$') {
        return false;
    }
    let mut theirs = topic.split('/');
    for level in filter.split('/') {
        match (level, theirs.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (mine, Some(its)) if mine == its => {}
            _ => return false,
        }
    }
    theirs.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_cover_what_the_standard_says() {
        assert!(matches("a/#", "a"));
        assert!(matches("a/+/c", "a//c"));
        assert!(matches("$SYS/#", "$SYS/broker/load"));
        assert!(!matches("#", "$SYS/broker"));
        assert!(!matches("a/+", "a"));
        assert!(!matches("a", "a/b"));
        assert!(is_filter("a/+/#") && !is_filter("a/b#") && !is_filter("#/a"));
        assert!(is_topic("a/b") && !is_topic("a/+"));
    }
}
