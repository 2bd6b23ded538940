import json
import logging
import os
from urllib.parse import urlparse

import paho.mqtt.client as mqtt

logger = logging.getLogger("ui.mqtt")


def publish_alert(topic, payload, qos=1, retain=False, timeout=10):
    """Publishes one message and returns whether the broker took it."""
    broker_url = os.getenv("MQTT_BROKER_URL", "mqtt://iot-mqtt:1883")
    parsed = urlparse(broker_url)
    host = parsed.hostname or "iot-mqtt"
    port = parsed.port or 1883
    body = json.dumps(payload)

    def _publish_blocking() -> None:
        mqtt_username = os.getenv("MQTT_USERNAME")
        mqtt_password = os.getenv("MQTT_PASSWORD")
        mqtt_ca_cert = os.getenv("MQTT_CA_CERT", "/mosquitto/certs/ca.crt")
        client = mqtt.Client()
        if mqtt_username and mqtt_password:
            client.username_pw_set(mqtt_username, mqtt_password)

        # Enable TLS if CA cert is available
        if os.path.exists(mqtt_ca_cert):
            import ssl
            client.tls_set(
                ca_certs=mqtt_ca_cert,
                tls_version=ssl.PROTOCOL_TLSv1_2,
            )
            mqtt_tls_insecure = os.getenv("MQTT_TLS_INSECURE", "false").lower() == "true"
            if mqtt_tls_insecure:
                client.tls_insecure_set(True)

        client.connect(host, port, keepalive=timeout)
        client.loop_start()
        try:
            info = client.publish(topic, body, qos=qos, retain=retain)
            info.wait_for_publish(timeout)
            if not info.is_published():
                raise TimeoutError("the broker did not acknowledge the message")
        finally:
            client.disconnect()
            client.loop_stop()

    try:
        _publish_blocking()
    except (OSError, RuntimeError, ValueError) as error:
        logger.warning("shadow_desired_failed topic=%s error=%s", topic, error)
        return False
    logger.info("shadow_desired_published topic=%s", topic)
    return True
