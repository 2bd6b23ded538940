//! How a stack compares names, as data.

/// When the common name is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Never.
    Never,
    /// No dNSName is there.
    NoDns,
    /// Neither dNSName nor iPAddress.
    NoDnsNoIp,
    /// Neither dNSName, iPAddress nor URI.
    NoDnsNoIpNoUri,
    /// No subjectAltName extension.
    NoExtension,
    /// No subjectAltName extension, or an empty one.
    NoEntry,
}

/// Which of several common names counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichCn {
    /// Any.
    Any,
    /// The first, as raw bytes.
    FirstRaw,
    /// The last.
    Last,
    /// The only one; two or more count as none.
    Only,
}

/// The shapes of wildcards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wildcard {
    /// None at all.
    None,
    /// OpenSSL: whole left label, at least two labels behind it.
    Openssl,
    /// The same with `mq*.` and `*tt.`.
    OpensslPartial,
    /// libmosquitto 2.0: `*.` then the rest behind the first dot of the name, or all of it.
    Mosquitto,
    /// libcurl.
    Curl,
    /// Node's own `checkServerIdentity`.
    Node,
    /// Java: `*` anywhere in any label.
    Java,
    /// Go: whole left label.
    Go {
        /// Whether a `*` alone covers a name of one label, as before 1.2x.
        bare: bool,
    },
    /// GnuTLS: `*` at the beginning, also as part of the label.
    Gnutls,
    /// Mbed TLS, BearSSL, s2n: `*.` and the rest behind the name's first dot.
    LeftLabel,
    /// wolfSSL: several and partial.
    Wolfssl,
    /// NSS classic: `*` last in the left label.
    Nss,
    /// Chromium: whole left label, at least two labels behind it.
    Chromium,
    /// Erlang, for common names: one `*` anywhere in the left label.
    Erlang,
}

/// Which reference names a client refuses or changes before it compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// Taken as it is.
    Verbatim,
    /// Python: IDNA, labels of at most 63 octets.
    Python,
    /// curl: IDNA, numbers are addresses, a final dot goes.
    Curl,
    /// Node: a final dot goes.
    Node,
    /// Java: only letters, digits and inner hyphens; numbers are addresses; a final dot goes.
    Java,
    /// Paho Java: as Java, and a name that SNI cannot carry is refused even without a name check.
    PahoJava,
    /// Go: a final dot goes where both names are valid.
    Go,
    /// Paho C: an IPv6 address keeps its brackets.
    PahoC,
    /// GnuTLS: IDNA.
    Gnutls,
    /// NSS: numbers are addresses.
    Nss,
    /// Chromium: IDNA, numbers are addresses, a final dot goes.
    Chromium,
    /// rustls asks `ServerName`.
    Rustls,
}

/// How names are compared.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// What happens to the dialled name.
    pub reference: Reference,
    /// When the common name counts.
    pub fallback: Fallback,
    /// Which common name.
    pub which: WhichCn,
    /// Wildcards.
    pub wildcard: Wildcard,
    /// Addresses in iPAddress.
    pub ip_entry: IpEntry,
    /// Addresses as text in dNSName.
    pub ip_dns: bool,
    /// Addresses as text in the common name.
    pub ip_cn: bool,
}

/// How an address is looked for among iPAddress entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpEntry {
    /// Not at all.
    No,
    /// Equal octets.
    Exact,
    /// Equal octets, IPv4 only.
    ExactV4,
    /// IPv4 equals its IPv4-mapped IPv6 form.
    Mapped,
}
