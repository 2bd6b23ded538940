import paho.mqtt.client as mqtt

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.tls_set("/app/ca.crt", None, None)
client.connect("mosquitto", 8883)
