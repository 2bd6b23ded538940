//! Who subscribed to what: a tree of topic levels, searched as Mosquitto searches it (the exact level first, then
//! `+`, then `#`; of a level first what goes on below it).

use std::collections::HashMap;

use crate::mqtt::QoS;

/// One subscription of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subscriber {
    /// The session, by its number.
    pub session: usize,
    /// The maximum QoS that was granted.
    pub qos: QoS,
    /// MQTT 5: do not send back.
    pub no_local: bool,
    /// MQTT 5: keep the retain flag.
    pub retain_as_published: bool,
    /// MQTT 5: the subscription identifier.
    pub id: Option<u32>,
}

#[derive(Debug, Default)]
struct Node {
    children: HashMap<Box<str>, Node>,
    subscribers: Vec<Subscriber>,
    shared: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    name: Box<str>,
    /// Whose turn it is stands first.
    members: Vec<Subscriber>,
}

/// The tree.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    root: Node,
    /// What a search has found of shared subscriptions: they come last.
    shared: Vec<Subscriber>,
}

impl Subscriptions {
    /// Adds or replaces a subscription; says whether it is new.
    pub(super) fn add(&mut self, group: Option<&str>, filter: &str, s: Subscriber) -> bool {
        let mut node = &mut self.root;
        for level in filter.split('/') {
            if !node.children.contains_key(level) {
                node.children.insert(level.into(), Node::default());
            }
            let Some(next) = node.children.get_mut(level) else { return false };
            node = next;
        }
        let list = match group {
            None => &mut node.subscribers,
            Some(name) => {
                let at = node.shared.iter().position(|g| &*g.name == name).unwrap_or_else(|| {
                    node.shared.push(Group { name: name.into(), members: Vec::new() });
                    node.shared.len() - 1
                });
                let Some(g) = node.shared.get_mut(at) else { return false };
                &mut g.members
            }
        };
        match list.iter_mut().find(|x| x.session == s.session) {
            // Of the options only these two are taken anew (`sub__add_leaf`).
            Some(old) => {
                old.qos = s.qos;
                old.id = s.id;
                false
            }
            None => {
                list.push(s);
                true
            }
        }
    }

    /// Takes a subscription away; says whether there was one.
    pub(super) fn remove(&mut self, group: Option<&str>, filter: &str, session: usize) -> bool {
        let levels: Vec<&str> = filter.split('/').collect();
        remove_below(&mut self.root, &levels, group, session)
    }

    /// Everyone whose subscription matches a topic, each shared group once, in Mosquitto's order.
    pub(super) fn matching(&mut self, topic: &str, out: &mut Vec<Subscriber>) {
        let dollar = topic.starts_with('$');
        search(&mut self.root, topic, dollar, out, &mut self.shared);
        out.append(&mut self.shared);
    }
}

fn remove_below(node: &mut Node, levels: &[&str], group: Option<&str>, session: usize) -> bool {
    let Some((first, rest)) = levels.split_first() else {
        return match group {
            None => take(&mut node.subscribers, session),
            Some(name) => {
                let found = node
                    .shared
                    .iter_mut()
                    .find(|g| &*g.name == name)
                    .is_some_and(|g| take(&mut g.members, session));
                node.shared.retain(|g| !g.members.is_empty());
                found
            }
        };
    };
    let Some(child) = node.children.get_mut(*first) else { return false };
    let found = remove_below(child, rest, group, session);
    if child.children.is_empty() && child.subscribers.is_empty() && child.shared.is_empty() {
        node.children.remove(*first);
    }
    found
}

fn take(list: &mut Vec<Subscriber>, session: usize) -> bool {
    let before = list.len();
    list.retain(|s| s.session != session);
    list.len() < before
}

/// `rest` is what is left of the topic; `dollar` keeps wildcards away from the first level of `$` topics.
fn search(
    node: &mut Node,
    rest: &str,
    dollar: bool,
    out: &mut Vec<Subscriber>,
    shared: &mut Vec<Subscriber>,
) {
    let (level, below) = match rest.split_once('/') {
        Some((level, below)) => (level, Some(below)),
        None => (rest, None),
    };
    let wildcards: &[&str] = if dollar { &[] } else { &["+"] };
    for key in std::iter::once(level).chain(wildcards.iter().copied()) {
        let Some(child) = node.children.get_mut(key) else { continue };
        match below {
            Some(below) => search(child, below, false, out, shared),
            None => {
                if let Some(all) = child.children.get_mut("#") {
                    collect(all, out, shared);
                }
                collect(child, out, shared);
            }
        }
    }
    if !dollar && let Some(all) = node.children.get_mut("#") {
        collect(all, out, shared);
    }
}

/// Of a shared group the member whose turn it is, connected or not; no-local means nothing to it.
fn collect(node: &mut Node, out: &mut Vec<Subscriber>, shared: &mut Vec<Subscriber>) {
    out.extend_from_slice(&node.subscribers);
    for group in &mut node.shared {
        if let Some(&member) = group.members.first() {
            shared.push(Subscriber { no_local: false, ..member });
            group.members.rotate_left(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sub(session: usize) -> Subscriber {
        Subscriber { session, qos: QoS::AtMostOnce, no_local: false, retain_as_published: false, id: None }
    }

    fn who(t: &mut Subscriptions, topic: &str) -> Vec<usize> {
        let mut out = Vec::new();
        t.matching(topic, &mut out);
        out.iter().map(|s| s.session).collect()
    }

    #[test]
    fn finds_what_goes_on_below_before_exact_before_plus_before_hash() {
        let mut t = Subscriptions::default();
        for (i, f) in ["#", "a/#", "a/+", "a/b", "+/b", "a/b/#"].iter().enumerate() {
            assert!(t.add(None, f, sub(i)));
        }
        assert_eq!(who(&mut t, "a/b"), [5, 3, 2, 1, 4, 0]);
        assert_eq!(who(&mut t, "a"), [1, 0]);
        assert!(who(&mut t, "$SYS/b").is_empty());
    }

    #[test]
    fn forgets_what_is_removed_and_keeps_no_empty_nodes() {
        let mut t = Subscriptions::default();
        t.add(None, "a/b/c", sub(1));
        assert!(!t.add(None, "a/b/c", sub(1)));
        assert!(t.remove(None, "a/b/c", 1) && !t.remove(None, "a/b/c", 1));
        assert!(t.root.children.is_empty());
    }

    #[test]
    fn a_shared_group_takes_turns() {
        let mut t = Subscriptions::default();
        for i in 0..3 {
            t.add(Some("g"), "a", sub(i));
        }
        assert_eq!([who(&mut t, "a"), who(&mut t, "a"), who(&mut t, "a")], [[0], [1], [2]]);
        assert_eq!(who(&mut t, "a"), [0]);
    }
}
