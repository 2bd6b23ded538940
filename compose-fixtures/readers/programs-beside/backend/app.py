import os
import paho.mqtt.client as mqtt

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.connect(os.getenv("MQTT_HOST"), int(os.getenv("MQTT_PORT")))
