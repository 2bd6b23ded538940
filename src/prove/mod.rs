//! The proving client: handshake, login, round trip, same as on disk.
