import paho.mqtt.client as mqtt

from config import settings

client = mqtt.Client()


def setup_tls():
    if not settings.use_tls:
        return
    client.tls_set(settings.ca)


setup_tls()
client.connect(settings.host, settings.port)
