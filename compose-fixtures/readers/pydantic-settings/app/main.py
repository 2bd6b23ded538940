import paho.mqtt.client as mqtt
from settings import Settings

settings = Settings()
client = mqtt.Client()
client.tls_set("/certs/ca.crt")
if settings.mqtt_tls_insecure:
    client.tls_insecure_set(True)
client.connect(settings.mqtt_broker_host, settings.mqtt_broker_port)
