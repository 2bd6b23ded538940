import os
import ssl

import paho.mqtt.client as mqtt

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
context = ssl.create_default_context(cafile="/certs/own.crt")
context.check_hostname = False
client.tls_set_context(context)
client.connect(os.getenv("MQTT_BROKER", "localhost"), 8883)
