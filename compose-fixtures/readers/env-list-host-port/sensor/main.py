import os
import paho.mqtt.client as mqtt

client = mqtt.Client()
client.connect(os.environ["BROKER_HOST"], int(os.environ.get("BROKER_PORT", 1883)))
client.loop_forever()
