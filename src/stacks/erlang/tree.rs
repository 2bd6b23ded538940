//! `asn1rt_nif:decode_ber_tlv`: elements by class and number, whether they are constructed or not.

use crate::cert::der::Reader;

/// An element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    /// The identifier octet without the bit for constructed elements.
    pub(super) number: u8,
    pub(super) constructed: bool,
    pub(super) content: &'a [u8],
    pub(super) raw: &'a [u8],
}

impl<'a> Node<'a> {
    /// The first element of definite BER.
    pub(super) fn whole(bytes: &'a [u8]) -> Option<Self> {
        Self::next(&mut Reader::new(bytes))
    }

    fn next(reader: &mut Reader<'a>) -> Option<Self> {
        let t = reader.element().ok()?;
        Some(Self { number: t.tag & !0x20, constructed: t.tag & 0x20 != 0, content: t.content, raw: t.raw })
    }

    /// What a constructed element is made of.
    pub(super) fn children(&self) -> Option<Vec<Node<'a>>> {
        let mut reader = self.constructed.then(|| Reader::new(self.content))?;
        let mut found = Vec::new();
        while !reader.is_empty() {
            found.push(Self::next(&mut reader)?);
        }
        Some(found)
    }

    /// The members of a SEQUENCE, a SET or a list with an implicit tag.
    pub(super) fn list(&self, number: u8) -> Option<Vec<Node<'a>>> {
        (self.number == number).then(|| self.children())?
    }

    /// The content of a primitive element of this kind.
    pub(super) fn primitive(&self, number: u8) -> Option<&'a [u8]> {
        (self.number == number && !self.constructed).then_some(self.content)
    }

    /// The octets of a string, in one piece or in several.
    pub(super) fn octets(&self) -> Option<Vec<u8>> {
        if !self.constructed {
            return Some(self.content.to_vec());
        }
        let parts: Option<Vec<Vec<u8>>> = self.children()?.iter().map(Node::octets).collect();
        // A list without members is no string.
        parts.filter(|p| !p.is_empty()).map(|p| p.concat())
    }

    /// An OBJECT IDENTIFIER's content; at least one arc must end.
    pub(super) fn identifier(&self) -> Option<&'a [u8]> {
        self.primitive(6).filter(|c| arcs(c))
    }
}

/// `dec_subidentifiers`: an arc that is cut off is dropped.
pub(super) fn arcs(content: &[u8]) -> bool {
    content.iter().any(|b| b & 0x80 == 0)
}

/// Takes the next member if it has this number.
pub(super) fn optional<'a>(members: &mut &[Node<'a>], number: u8) -> Option<Node<'a>> {
    let (first, rest) = members.split_first()?;
    if first.number != number {
        return None;
    }
    *members = rest;
    Some(*first)
}

/// Takes the next member.
pub(super) fn next<'a>(members: &mut &[Node<'a>]) -> Option<Node<'a>> {
    let (first, rest) = members.split_first()?;
    *members = rest;
    Some(*first)
}
