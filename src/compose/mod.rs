//! Compose files as Compose reads them, with places: files and overrides, include, extends, merge, interpolation,
//! environment files, profiles, mounts, networks and names. Without judgement.

pub mod dockerfile;
pub mod dotenv;
pub mod edit;
pub mod find;
pub mod interpolate;
mod merge;
pub mod project;
pub mod service;
pub mod words;
pub mod yaml;

pub use project::{ComposeError, Options, Problem, Project, load};
pub(crate) use service::put_all;
pub use service::{Build, EnvVar, Mount, MountSource, NetworkMode, NetworkName, PublishedPort, Service};
