import paho.mqtt.client as mqtt

BROKER = "mosquitto"
PORT = 8883
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.tls_set("ca.crt")
client.connect(BROKER, PORT, 60)
