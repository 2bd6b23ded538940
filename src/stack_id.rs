//! The client TLS stacks that can be named on the command line and in `mqttcert.toml`.

use std::fmt;
use std::str::FromStr;

macro_rules! stack_ids {
    ($($variant:ident = $id:literal),+ ; $($older:ident = $old_id:literal),+ $(,)?) => {
        /// A client TLS stack by its stable id. What it accepts stands in [`crate::stacks`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum StackId {
            $(#[doc = concat!("`", $id, "`")] $variant,)+
            $(#[doc = concat!("`", $old_id, "`")] $older,)+
        }

        impl StackId {
            /// Every id without a version, in the order in which they are listed to people: what `all` means.
            pub const ALL: &'static [StackId] = &[$(StackId::$variant),+];

            /// Ids of other versions, at which a stack's judgement was another.
            pub const VERSIONS: &'static [StackId] = &[$(StackId::$older),+];

            /// The id as the contract spells it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(StackId::$variant => $id,)+ $(StackId::$older => $old_id,)+ }
            }
        }
    };
}

stack_ids! {
    PythonPaho = "python-paho",
    PythonDefault = "python-default",
    PythonStrict = "python-strict",
    Openssl = "openssl",
    Libmosquitto = "libmosquitto",
    PahoC = "paho-c",
    Node = "node",
    Java = "java",
    PahoJava = "paho-java",
    Go = "go",
    Gnutls = "gnutls",
    Mbedtls2 = "mbedtls-2",
    Mbedtls3 = "mbedtls-3",
    Mbedtls3NoTime = "mbedtls-3-no-time",
    Wolfssl = "wolfssl",
    Bearssl = "bearssl",
    Nss = "nss",
    Chromium = "chromium",
    Rustls = "rustls",
    Curl = "curl",
    Erlang = "erlang",
    Awscrt = "awscrt";
    Go119 = "go-1.19",
}

impl fmt::Display for StackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownStack(pub String);

impl fmt::Display for UnknownStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} names no client stack; `mqttcert stack` lists them", self.0)
    }
}

impl std::error::Error for UnknownStack {}

impl FromStr for StackId {
    type Err = UnknownStack;

    fn from_str(text: &str) -> Result<Self, UnknownStack> {
        let mut every = Self::ALL.iter().chain(Self::VERSIONS).copied();
        every.find(|s| s.as_str() == text).ok_or_else(|| UnknownStack(text.to_owned()))
    }
}
