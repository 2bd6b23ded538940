import json
import os
import signal
import sys
import time

import paho.mqtt.client as mqtt

MQTT_HOST = os.getenv("MQTT_HOST", "iot-mqtt")
MQTT_PORT = int(os.getenv("MQTT_PORT", "1883"))
MQTT_TOPIC = os.getenv("MQTT_TOPIC", "tenant/+/device/+/+")
MQTT_USERNAME = os.getenv("MQTT_USERNAME")
MQTT_PASSWORD = os.getenv("MQTT_PASSWORD")
MQTT_CA_CERT = os.getenv("MQTT_CA_CERT", "/mosquitto/certs/ca.crt")


def log(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


class Ingestor:
    """Takes telemetry from the broker and counts it per device."""

    def __init__(self):
        self.counts = {}

    def on_connect(self, client, userdata, flags, rc):
        log("mqtt_connected", rc=rc)
        if rc == 0:
            client.subscribe(MQTT_TOPIC)

    def on_message(self, client, userdata, msg):
        parts = msg.topic.split("/")
        if len(parts) != 5 or parts[0] != "tenant" or parts[2] != "device":
            log("telemetry_rejected", topic=msg.topic, reason="topic")
            return
        try:
            payload = json.loads(msg.payload)
        except ValueError:
            log("telemetry_rejected", topic=msg.topic, reason="json")
            return
        device = parts[3]
        self.counts[device] = self.counts.get(device, 0) + 1
        log("telemetry_accepted", tenant=parts[1], device=device, count=self.counts[device], payload=payload)

    def run(self):
        client = mqtt.Client()
        if MQTT_USERNAME and MQTT_PASSWORD:
            client.username_pw_set(MQTT_USERNAME, MQTT_PASSWORD)

        # Enable TLS for internal MQTT connection
        mqtt_ca_cert = os.getenv("MQTT_CA_CERT", "/mosquitto/certs/ca.crt")
        if os.path.exists(mqtt_ca_cert):
            import ssl
            client.tls_set(
                ca_certs=mqtt_ca_cert,
                tls_version=ssl.PROTOCOL_TLSv1_2,
            )
            # For internal Docker network: server cert CN may not match hostname
            mqtt_tls_insecure = os.getenv("MQTT_TLS_INSECURE", "false").lower() == "true"
            if mqtt_tls_insecure:
                client.tls_insecure_set(True)

        client.on_connect = self.on_connect
        client.on_message = self.on_message
        client.connect(MQTT_HOST, MQTT_PORT, keepalive=60)
        client.loop_forever()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        try:
            Ingestor().run()
        except OSError as error:
            log("mqtt_connect_failed", error=str(error))
            if os.getenv("MQTT_CONNECT_ONCE"):
                sys.exit(1)
            time.sleep(2)


if __name__ == "__main__":
    main()
