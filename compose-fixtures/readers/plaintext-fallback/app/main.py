import os
import ssl
import paho.mqtt.client as mqtt

HOST = os.getenv("MQTT_HOST", "mosquitto")
PORT = int(os.getenv("MQTT_PORT", "8883"))
CA = os.getenv("MQTT_CA_CERT", "/certs/ca.crt")
INSECURE = os.getenv("MQTT_TLS_INSECURE", "false").lower() == "true"

client = mqtt.Client()
if os.path.exists(CA):
    client.tls_set(ca_certs=CA, tls_version=ssl.PROTOCOL_TLSv1_2)
if INSECURE:
    client.tls_insecure_set(True)
client.connect(HOST, PORT)
