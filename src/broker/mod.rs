//! The embedded broker: a small twin of the user's Mosquitto.
