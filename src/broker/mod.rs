//! The embedded broker: a small twin of the user's Mosquitto.
//!
//! `plan` says what is served; `server` opens ports and owns the one thread; `connection` moves bytes; `core`,
//! `connecting`, `packets`, `routing` and `ending` are the broker itself, without a socket; `access` says who may do
//! what, `bounds` how much of it, `reception` what a socket's first bytes are, `clients` and `identity` what a client certificate is worth.

pub mod access;
mod bounds;
mod clients;
mod connecting;
mod connection;
mod core;
mod ending;
mod identifiers;
mod identity;
mod log;
mod message;
mod packets;
mod plan;
mod reception;
mod routing;
mod server;
mod session;
mod subscriptions;
pub(crate) mod tls;
pub(crate) mod websocket;

pub use self::clients::Lists;
pub use self::core::Limits;
pub use plan::{ListenerPlan, Plan, PlanError, Wire};
pub use server::{Bound, Options, Running, StartError, start};
pub use tls::Guest;
