from paho.mqtt import client as mqtt_client

broker = 'hub'
port = 1883

client = mqtt_client.Client(mqtt_client.CallbackAPIVersion.VERSION2)
client.connect(broker, port)
client.loop_forever()
