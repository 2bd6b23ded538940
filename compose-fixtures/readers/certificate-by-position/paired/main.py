import paho.mqtt.client as mqtt

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.tls_set("/app/ca.crt", "/app/me.crt", "/app/me.key")
client.connect("mosquitto", 8883)
