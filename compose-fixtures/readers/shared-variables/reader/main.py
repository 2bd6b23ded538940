import os
import ssl

import paho.mqtt.client as mqtt

BROKER = os.getenv("MQTT_BROKER", "localhost")
PORT = int(os.getenv("MQTT_PORT_TLS", "8883"))
PORT_PLAIN = int(os.getenv("MQTT_PORT_PLAIN", "1883"))
USE_TLS = os.getenv("USE_TLS", "true").lower() == "true"

client = mqtt.Client()
if USE_TLS:
    client.tls_set(ca_certs="/app/ca.crt", tls_version=ssl.PROTOCOL_TLSv1_2)
    client.connect(BROKER, PORT)
else:
    client.connect(BROKER, PORT_PLAIN)
