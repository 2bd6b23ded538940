//! Fixture maker (skeleton).
