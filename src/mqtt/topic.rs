//! Topic names and filters (MQTT 5.0 §4.7) with Mosquitto's own limits.

/// Mosquitto refuses topics with more slashes than this (`TOPIC_HIERARCHY_LIMIT`).
const MAX_SLASHES: usize = 200;

/// Whether a topic name may be published to: no wildcards, not empty, at most 65,535 bytes and 200 slashes.
#[must_use]
pub fn is_valid_name(topic: &str) -> bool {
    !topic.is_empty()
        && topic.len() <= 0xffff
        && !topic.bytes().any(|b| b == b'+' || b == b'#')
        && slashes(topic) <= MAX_SLASHES
}

/// Whether a filter may be subscribed to: `+` fills a level, `#` fills the last one, at most 200 slashes.
#[must_use]
pub fn is_valid_filter(filter: &str) -> bool {
    if filter.is_empty() || filter.len() > 0xffff || slashes(filter) > MAX_SLASHES {
        return false;
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let wild = level.contains(['+', '#']);
        if wild && level != "+" && !(level == "#" && levels.peek().is_none()) {
            return false;
        }
    }
    true
}

fn slashes(topic: &str) -> usize {
    topic.bytes().filter(|&b| b == b'/').count()
}

/// Whether a valid filter matches a valid topic name. A filter that begins with a wildcard matches no topic that
/// begins with `$` (MQTT 5.0 §4.7.2).
#[must_use]
pub fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') != filter.starts_with('$') {
        return false;
    }
    let mut names = topic.split('/');
    for level in filter.split('/') {
        if level == "#" {
            return true;
        }
        match names.next() {
            Some(name) if level == "+" || level == name => {}
            _ => return false,
        }
    }
    names.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_the_standard_says() {
        for (filter, topic, expected) in [
            ("a/b", "a/b", true),
            ("a/+", "a/b", true),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("#", "a/b", true),
            ("#", "$SYS/x", false),
            ("+/x", "$SYS/x", false),
            ("$SYS/#", "$SYS/x", true),
            ("+", "/a", false),
            ("+/+", "/a", true),
            ("a", "a/", false),
            ("a/b/+", "a/b", false),
        ] {
            assert_eq!(matches(filter, topic), expected, "{filter} {topic}");
        }
    }

    #[test]
    fn refuses_wildcards_in_names_and_misplaced_ones_in_filters() {
        assert!(is_valid_name("a/b") && !is_valid_name("a/+") && !is_valid_name(""));
        for bad in ["a+", "a/#/b", "#/a", "a#", "", "+a/b"] {
            assert!(!is_valid_filter(bad), "{bad}");
        }
        for good in ["#", "+", "a/+/#", "/", "//", "+/+"] {
            assert!(is_valid_filter(good), "{good}");
        }
        assert!(is_valid_name(&"/".repeat(200)) && !is_valid_name(&"/".repeat(201)));
    }
}
