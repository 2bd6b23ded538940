//! Which Mosquitto reads a file: what one release takes in silence, the next refuses to start with.

use std::fmt;

/// A Mosquitto release, as far as its reading of configuration files differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second.
    pub minor: u16,
    /// The third.
    pub patch: u16,
}

impl Version {
    /// Debian 12's release; the differential tests run against it.
    pub const DEBIAN_12: Self = Self::new(2, 0, 11);
    /// The 2.0 series as most deployments run it: incomplete TLS lines are taken in silence.
    pub const V2_0: Self = Self::new(2, 0, 20);
    /// The last of the 2.0 series: incomplete TLS lines are refused (since 2.0.21).
    pub const LAST_2_0: Self = Self::new(2, 0, 22);
    /// The 2.1 series.
    pub const V2_1: Self = Self::new(2, 1, 2);

    /// Puts the three numbers together.
    #[must_use]
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// Every release that an image reference such as `eclipse-mosquitto:2.0.18-openssl` may mean, oldest first.
    /// A tag that moves (`2`, `latest`, none) means the last of 2.0 or 2.1.
    #[must_use]
    pub fn of_image(image: &str) -> Vec<Self> {
        let name = image.split('@').next().unwrap_or(image);
        let tag = match name.rsplit_once(':') {
            Some((_, tag)) if !tag.contains('/') => tag,
            _ => "latest",
        };
        let plain = tag.split(['-', '_']).next().unwrap_or(tag).trim_start_matches('v');
        let numbers: Vec<Option<u16>> = plain.split('.').map(|n| n.parse().ok()).collect();
        match numbers.as_slice() {
            [Some(major), Some(minor), Some(patch), ..] => vec![Self::new(*major, *minor, *patch)],
            [Some(2), Some(0)] => vec![Self::LAST_2_0],
            [Some(2), Some(1)] => vec![Self::V2_1],
            [Some(major), Some(minor)] => vec![Self::new(*major, *minor, u16::MAX)],
            [Some(1)] => vec![Self::new(1, 6, 15)],
            _ => vec![Self::LAST_2_0, Self::V2_1],
        }
    }

    /// The release to read a configuration as: the one that an image is pinned to, else [`Self::V2_0`].
    #[must_use]
    pub fn to_read_as(image: Option<&str>) -> Self {
        match image.filter(|i| i.contains("mosquitto")).map(Self::of_image).as_deref() {
            Some([one]) if *one != Self::LAST_2_0 => *one,
            _ => Self::V2_0,
        }
    }

    /// Whether it is `major.minor.patch` or newer.
    #[must_use]
    pub fn at_least(self, major: u16, minor: u16, patch: u16) -> bool {
        self >= Self::new(major, minor, patch)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.patch == u16::MAX {
            write!(f, "{}.{}", self.major, self.minor)
        } else {
            write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_move_mean_the_newest_of_each_series() {
        assert_eq!(Version::of_image("eclipse-mosquitto:2.0.18"), [Version::new(2, 0, 18)]);
        assert_eq!(Version::of_image("eclipse-mosquitto:2.0.15-openssl"), [Version::new(2, 0, 15)]);
        assert_eq!(Version::of_image("docker.io/eclipse-mosquitto:2.0"), [Version::LAST_2_0]);
        let newest = [Version::LAST_2_0, Version::V2_1];
        assert_eq!(Version::of_image("eclipse-mosquitto"), newest);
        assert_eq!(Version::of_image("localhost:5000/eclipse-mosquitto"), newest);
        assert_eq!(Version::of_image("eclipse-mosquitto:2"), newest);
        assert_eq!(Version::of_image("eclipse-mosquitto:latest@sha256:00"), newest);
        assert_eq!(Version::of_image("eclipse-mosquitto:1.6.15"), [Version::new(1, 6, 15)]);
    }
}
