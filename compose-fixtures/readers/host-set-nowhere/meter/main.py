import paho.mqtt.client as mqtt
from settings import Settings

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.connect(Settings.host, Settings.port)
client.loop_forever()
