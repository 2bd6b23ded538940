import paho.mqtt.client as mqtt

client = mqtt.Client()
try:
    client.tls_set(ca_certs="/app/ca.crt")
    client.connect("broker", 8883)
except Exception:
    client.connect("broker", 1883)
