import os

import paho.mqtt.client as mqtt

from settings import settings

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
if settings.mqtt_tls:
    client.tls_set(ca_certs=settings.ca)
    tls_insecure = getattr(settings, "tls_insecure", False)
    if tls_insecure:
        client.tls_insecure_set(True)
client.connect(os.environ["MQTT_BROKER_HOST"], int(os.environ["MQTT_BROKER_PORT"]))
print("devices dial", os.getenv("MQTT_PUBLIC_HOST", "devices.example.org"))
client.loop_forever()
