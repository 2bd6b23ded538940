import os
import paho.mqtt.client as mqtt

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
if os.getenv("MQTT_USE_TLS", "false") == "true":
    client.tls_set(os.getenv("MQTT_CA_CERT"))
client.connect(os.getenv("MQTT_HOST"), int(os.getenv("MQTT_PORT")))
