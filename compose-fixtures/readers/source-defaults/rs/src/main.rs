use rumqttc::{Client, MqttOptions};

fn main() {
    let options = MqttOptions::new("rs", "mosquitto", 1883);
    let host = "mosquitto";
    let _ = (Client::new(options, 10), host);
}
