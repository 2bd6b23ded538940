//! MQTT 3.1, 3.1.1 and 5 on the wire: packets and topics, pure. No sockets, no clock, no memory between calls.
//!
//! Written for a twin of Mosquitto: the checks are those of Mosquitto 2.0 (which strings are refused, which
//! property may stand where, what surplus bytes mean), so that a client is refused here when it would be refused
//! there. Every length is checked before anything is allocated; what is decoded borrows from the frame.

pub mod connect;
pub mod decode;
pub mod encode;
pub mod packet;
pub mod property;
pub mod topic;
mod utf8;
pub mod wire;

pub use connect::decode_connect;
pub use decode::{Frame, decode, frame};
pub use packet::{Connect, Packet, Publish, QoS, Version};
pub use property::{Properties, Property};
pub use wire::Fault;
