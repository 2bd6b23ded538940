import os

import paho.mqtt.client as mqtt

use_tls = os.environ["MQTT_USE_TLS"] == "true"
port = int(os.environ["MQTT_TLS_PORT"] if use_tls else os.environ["MQTT_PORT"])
client = mqtt.Client()
if use_tls:
    client.tls_set("/etc/ssl/mqtt/ca.crt")
client.connect(os.environ["MQTT_HOST"], port)
