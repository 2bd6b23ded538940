from paho.mqtt import client as mqtt_client

HOST = "broker"
CLIENT_ID = "sensor-1"

client = mqtt_client.Client(CLIENT_ID)
client.connect(HOST, 1883)
