"""Pretends to be a few devices that send telemetry."""
import json
import os
import random
import time

import paho.mqtt.client as mqtt

MQTT_HOST = os.getenv("MQTT_HOST", "iot-mqtt")
MQTT_PORT = int(os.getenv("MQTT_PORT", "1883"))
DEVICE_COUNT = int(os.getenv("DEVICE_COUNT", "3"))
INTERVAL_SECONDS = float(os.getenv("INTERVAL_SECONDS", "2"))


def connect():
    client = mqtt.Client()
    client.username_pw_set(os.getenv("MQTT_USERNAME"), os.getenv("MQTT_PASSWORD"))
    client.connect(MQTT_HOST, MQTT_PORT, keepalive=60)
    client.loop_start()
    return client


def main():
    client = connect()
    while True:
        for device in range(1, DEVICE_COUNT + 1):
            reading = {"temperature": round(random.uniform(18, 26), 1)}
            client.publish(f"tenant/demo/device/sim-{device}/telemetry", json.dumps(reading), qos=1)
        time.sleep(INTERVAL_SECONDS)


if __name__ == "__main__":
    main()
