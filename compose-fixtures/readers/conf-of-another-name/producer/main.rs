use paho_mqtt as mqtt;

fn main() {
    let host = "tcp://localhost:1883".to_string();
    mqtt::CreateOptionsBuilder::new().server_uri(host).finalize();
}
