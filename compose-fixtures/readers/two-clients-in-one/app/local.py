import paho.mqtt.client as mqtt

from config import settings


def start():
    client = mqtt.Client()
    client.connect(settings.mqtt_broker_host, settings.mqtt_broker_port)
    client.loop_start()
