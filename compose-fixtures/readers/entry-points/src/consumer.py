import paho.mqtt.client as mqtt

MQTT_HOST = "mosquitto"  # type: str
client = mqtt.Client()
client.connect(MQTT_HOST, 1883)
