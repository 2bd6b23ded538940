//! MQTT packets and topics, pure.
