import paho.mqtt.client as mqtt

MQTT_SERVER = "broker.example.org"
client = mqtt.Client("probe")
client.connect(MQTT_SERVER, 1883)
client.loop_forever()
