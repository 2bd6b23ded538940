//! The embedded broker: a small twin of the user's Mosquitto.
//!
//! `plan` says what is served; `server` opens ports and owns the one thread; `connection` moves bytes; `core`,
//! `packets` and `routing` are the broker itself, without a socket; `access` says who may do what.

pub mod access;
mod connection;
mod core;
mod log;
mod message;
mod packets;
mod plan;
mod routing;
mod server;
mod session;
mod subscriptions;
pub(crate) mod tls;
pub(crate) mod websocket;

pub use self::core::Limits;
pub use plan::{ListenerPlan, Plan, PlanError, Wire};
pub use server::{Bound, Options, Running, StartError, start};
