import paho.mqtt.client as mqtt

ROOT = "/srv/tls/root.crt"
client = mqtt.Client("gate")
client.tls_set(ROOT)
client.connect("mosquitto", 8883)
client.loop_forever()
