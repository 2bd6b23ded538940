//! Eclipse Paho Java over JSSE: what is not said here is as in `java`.

use super::java;
use crate::stack_id::StackId;
use crate::stacks::stack::{Names, Reference, Stack};

/// The data of `paho-java`.
pub(super) const STACK: Stack = Stack {
    id: StackId::PahoJava,
    library: "Eclipse Paho Java over JSSE",
    version: "Paho Java 1.2.5, OpenJDK 17",
    products: &["Paho Java", "Paho Android", "Spring Integration MQTT"],
    sources: &[
        "OpenJDK 17, sun.security.util.HostnameChecker, sun.security.provider.certpath, sun.security.validator",
        "OpenJDK 17, conf/security/java.security (jdk.certpath.disabledAlgorithms)",
        "org.eclipse.paho.client.mqttv3 1.2.5, SSLNetworkModule (SNIHostName)",
    ],
    refuses: &[
        "names with an underscore, with a hyphen at an edge, with a label over 63 characters: no certificate cures that",
        "a CA without basicConstraints",
        "a keyUsage without digitalSignature",
        "a trust file with any other block than certificates, or with a byte order mark",
        "the same names, a final dot and IPv6 addresses even without a name check",
    ],
    history: &[],
    names: Names { reference: Reference::PahoJava, ..java::STACK.names },
    ..java::STACK
};
