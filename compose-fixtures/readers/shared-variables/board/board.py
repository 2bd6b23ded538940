import os

import paho.mqtt.client as mqtt

client = mqtt.Client()
client.connect(os.environ["MQTT_HOST"], int(os.environ["MQTT_PORT"]))
