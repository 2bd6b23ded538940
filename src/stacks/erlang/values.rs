//! The values of extensions, as their types in OTP-PKIX and PKIX1Implicit88 are decoded
//! (`pubkey_cert_records:decode_extensions/1`); any other is not looked at.

use super::fields::{name, pair, text};
use super::tree::{Node, arcs, next, optional};
use crate::cert::ber;
use crate::cert::oid;

/// Whether a value can be decoded; what follows its first element is not looked at.
pub(super) fn value(oid: &[u8], value: &[u8]) -> bool {
    type Read = fn(&Node<'_>) -> Option<()>;
    let read: Read = match oid {
        oid::AUTHORITY_KEY_ID => authority_key_id,
        oid::SUBJECT_KEY_ID => |n| if n.number == 4 { n.octets().map(drop) } else { None },
        oid::KEY_USAGE => |n| if n.number == 3 { bits(n) } else { None },
        oid::PRIVATE_KEY_USAGE_PERIOD => |n| fields(n, &[(0x80, string), (0x81, string)]),
        oid::CERTIFICATE_POLICIES => |n| each(n, 0x10, policy),
        oid::POLICY_MAPPINGS => |n| {
            each(n, 0x10, |pair| match pair.list(0x10)?.as_slice() {
                [a, b] => a.identifier().and(b.identifier()).map(drop),
                _ => None,
            })
        },
        oid::SUBJECT_ALT_NAME | oid::ISSUER_ALT_NAME => alternative_names,
        oid::SUBJECT_DIRECTORY_ATTRIBUTES => |n| {
            each(n, 0x10, |attribute| match attribute.list(0x10)?.as_slice() {
                [kind, values] => kind.identifier().and(values.list(0x11)).map(drop),
                _ => None,
            })
        },
        oid::BASIC_CONSTRAINTS => {
            |n| if n.number == 0x10 { fields(n, &[(1, boolean), (2, number)]) } else { None }
        }
        oid::NAME_CONSTRAINTS => {
            |n| if n.number == 0x10 { fields(n, &[(0x80, trees), (0x81, trees)]) } else { None }
        }
        oid::POLICY_CONSTRAINTS => {
            |n| if n.number == 0x10 { fields(n, &[(0x80, number), (0x81, number)]) } else { None }
        }
        oid::CRL_DISTRIBUTION_POINTS | oid::FRESHEST_CRL => {
            |n| each(n, 0x10, |point| fields(point, &[(0x80, place), (0x81, bits), (0x82, names)]))
        }
        oid::EXTENDED_KEY_USAGE => |n| each(n, 0x10, |p| p.identifier().map(drop)),
        oid::INHIBIT_ANY_POLICY => |n| if n.number == 2 { number(n) } else { None },
        oid::AUTHORITY_INFO_ACCESS | oid::SUBJECT_INFO_ACCESS => |n| {
            each(n, 0x10, |access| match access.list(0x10)?.as_slice() {
                [method, location] => method.identifier().and(general_name(location)),
                _ => None,
            })
        },
        _ => return true,
    };
    let Some((der, _)) = ber::definite(value) else { return false };
    Node::whole(&der).is_some_and(|node| read(&node).is_some())
}

/// A list of this number, each member read.
fn each(node: &Node<'_>, number: u8, read: fn(&Node<'_>) -> Option<()>) -> Option<()> {
    node.list(number)?.iter().try_for_each(read)
}

/// A constructed element whose members are optional, stand in this order, and are all.
fn fields(node: &Node<'_>, known: &[(u8, fn(&Node<'_>) -> Option<()>)]) -> Option<()> {
    let members = node.children()?;
    let mut rest = members.as_slice();
    for (number, read) in known {
        if let Some(member) = optional(&mut rest, *number) {
            read(&member)?;
        }
    }
    rest.is_empty().then_some(())
}

fn boolean(node: &Node<'_>) -> Option<()> {
    (!node.constructed && node.content.len() == 1).then_some(())
}

/// An INTEGER that is not negative; nothing at all is zero.
fn number(node: &Node<'_>) -> Option<()> {
    (!node.constructed && node.content.first().is_none_or(|b| b & 0x80 == 0)).then_some(())
}

fn string(node: &Node<'_>) -> Option<()> {
    node.octets().map(drop)
}

/// `decode_named_bit_string`: up to eight unused bits.
pub(super) fn bits(node: &Node<'_>) -> Option<()> {
    let octets = node.octets()?;
    let (unused, bits) = octets.split_first()?;
    (*unused <= 8 && !(bits.is_empty() && *unused > 0)).then_some(())
}

fn authority_key_id(node: &Node<'_>) -> Option<()> {
    let serial = |n: &Node<'_>| if n.constructed { None } else { Some(()) };
    (node.number == 0x10).then(|| fields(node, &[(0x80, string), (0x81, names), (0x82, serial)]))?
}

fn policy(node: &Node<'_>) -> Option<()> {
    let members = node.list(0x10)?;
    let mut rest = members.as_slice();
    next(&mut rest)?.identifier()?;
    if let Some(qualifiers) = optional(&mut rest, 0x10) {
        for qualifier in qualifiers.children()? {
            match qualifier.list(0x10)?.as_slice() {
                [kind, _] => kind.identifier()?,
                _ => return None,
            };
        }
    }
    rest.is_empty().then_some(())
}

/// The names of a distribution point.
fn place(node: &Node<'_>) -> Option<()> {
    match node.children()?.as_slice() {
        [names_of] if names_of.number == 0x80 => names(names_of),
        [relative] if relative.number == 0x81 => relative.children()?.iter().try_for_each(|p| pair(p, false)),
        _ => None,
    }
}

fn names(node: &Node<'_>) -> Option<()> {
    node.children()?.iter().try_for_each(general_name)
}

/// A single directoryName is decoded to its strings, others are not (`pubkey_cert_records:transform/2`).
fn alternative_names(node: &Node<'_>) -> Option<()> {
    let members = node.list(0x10)?;
    members.iter().try_for_each(general_name)?;
    match members.as_slice() {
        [only] if only.number == 0x84 => only.children()?.first().and_then(|n| name(n, true)),
        _ => Some(()),
    }
}

fn trees(node: &Node<'_>) -> Option<()> {
    node.children()?.iter().try_for_each(|tree| {
        let members = tree.list(0x10)?;
        let mut rest = members.as_slice();
        general_name(&next(&mut rest)?)?;
        for limit in [0x80, 0x81] {
            if let Some(found) = optional(&mut rest, limit) {
                number(&found)?;
            }
        }
        rest.is_empty().then_some(())
    })
}

fn general_name(node: &Node<'_>) -> Option<()> {
    match node.number {
        0x80 => match node.children()?.as_slice() {
            [kind, value] if value.number == 0x80 => kind.identifier().map(drop),
            _ => None,
        },
        0x81 | 0x82 | 0x86 | 0x87 => node.octets().map(drop),
        // Of an ORAddress only the first field is demanded.
        0x83 => node.children()?.first()?.list(0x10).map(drop),
        0x84 => match node.children()?.as_slice() {
            [only] => name(only, false),
            _ => None,
        },
        0x85 => {
            let members = node.children()?;
            let mut rest = members.as_slice();
            let choice = |n: &Node<'_>| match n.children()?.as_slice() {
                [only] => text(only, usize::MAX).then_some(()),
                _ => None,
            };
            if let Some(assigner) = optional(&mut rest, 0x80) {
                choice(&assigner)?;
            }
            choice(&optional(&mut rest, 0x81)?)?;
            rest.is_empty().then_some(())
        }
        0x88 => (!node.constructed && arcs(node.content)).then_some(()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_behind_a_value_and_indefinite_lengths_are_taken() {
        assert!(value(oid::BASIC_CONSTRAINTS, &[0x30, 3, 1, 1, 0xff, 5, 0]));
        assert!(value(oid::BASIC_CONSTRAINTS, &[0x30, 0x80, 1, 1, 0xff, 0, 0]));
        assert!(!value(oid::BASIC_CONSTRAINTS, &[0x30, 6, 1, 1, 0xff, 2, 1, 0xff]));
        assert!(!value(oid::BASIC_CONSTRAINTS, &[0x30, 5, 1, 1, 0xff, 5, 0]));
    }

    #[test]
    fn eight_unused_bits_are_taken_and_nine_are_not() {
        assert!(value(oid::KEY_USAGE, &[3, 2, 8, 6]) && !value(oid::KEY_USAGE, &[3, 2, 9, 6]));
        assert!(value(oid::KEY_USAGE, &[3, 1, 0]) && !value(oid::KEY_USAGE, &[3, 0]));
    }

    #[test]
    fn a_name_in_pieces_is_taken_and_one_of_another_class_is_not() {
        assert!(value(oid::SUBJECT_ALT_NAME, &[0x30, 5, 0xa2, 3, 0x16, 1, b'x']));
        assert!(!value(oid::SUBJECT_ALT_NAME, &[0x30, 3, 0x16, 1, b'x']));
        assert!(!value(oid::EXTENDED_KEY_USAGE, &[0x30, 2, 6, 0]));
    }
}
