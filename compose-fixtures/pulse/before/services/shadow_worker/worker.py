"""Answers when a device reports its state. Nobody has set its broker in the compose file: it uses the default."""
import json
import os
from urllib.parse import urlparse

import paho.mqtt.client as mqtt

BROKER_URL = os.getenv("SHADOW_BROKER_URL", "mqtt://iot-mqtt:1883")


def on_connect(client, userdata, flags, rc):
    client.subscribe("tenant/+/device/+/reported")


def on_message(client, userdata, msg):
    client.publish(msg.topic.replace("/reported", "/accepted"), json.dumps({"ok": True}), qos=1)


def main():
    url = urlparse(BROKER_URL)
    client = mqtt.Client()
    client.username_pw_set(os.getenv("MQTT_USERNAME"), os.getenv("MQTT_PASSWORD"))
    client.on_connect = on_connect
    client.on_message = on_message
    client.connect(url.hostname, url.port or 1883, keepalive=60)
    client.loop_forever()


if __name__ == "__main__":
    main()
