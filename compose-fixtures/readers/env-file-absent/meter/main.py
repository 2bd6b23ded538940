import os
import paho.mqtt.client as mqtt

host = os.environ["MQTT_HOST"]
port = int(os.getenv("MQTT_PORT", "1883"))
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
if os.getenv("MQTT_USE_TLS", "false") == "true":
    client.tls_set(os.getenv("MQTT_CA", "/ca.crt"))
client.connect(host, port)
