"""Pretends to be a few devices that send telemetry."""
import json
import os
import random
import ssl
import time

import paho.mqtt.client as mqtt

MQTT_HOST = os.getenv("MQTT_HOST", "iot-mqtt")
MQTT_PORT = int(os.getenv("MQTT_PORT", "1883"))
MQTT_CA_CERT = os.getenv("MQTT_CA_CERT", "/mosquitto/certs/ca.crt")
MQTT_TLS_INSECURE = os.getenv("MQTT_TLS_INSECURE", "false").lower() == "true"
DEVICE_COUNT = int(os.getenv("DEVICE_COUNT", "3"))
INTERVAL_SECONDS = float(os.getenv("INTERVAL_SECONDS", "2"))


def connect():
    client = mqtt.Client()
    client.username_pw_set(os.getenv("MQTT_USERNAME"), os.getenv("MQTT_PASSWORD"))
    client.tls_set(ca_certs=MQTT_CA_CERT, tls_version=ssl.PROTOCOL_TLSv1_2)
    if MQTT_TLS_INSECURE:
        client.tls_insecure_set(True)
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
