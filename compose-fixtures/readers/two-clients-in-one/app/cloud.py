import os

import paho.mqtt.client as mqtt

from config import settings


def start():
    client = mqtt.Client()
    if os.path.exists(settings.mqtt_cloud_ca):
        client.tls_set(ca_certs=settings.mqtt_cloud_ca)
    else:
        print("no CA file, going on without TLS")
    client.connect(settings.mqtt_cloud_host, 8883)
    client.loop_forever()
