import os
import ssl

import paho.mqtt.client as mqtt


class Gateway:
    def __init__(self):
        self.host = os.environ.get("MQTT_BROKER_HOST", "localhost")
        self.port = int(os.environ.get("MQTT_BROKER_PORT", "8883"))
        self.use_tls = os.environ.get("MQTT_USE_TLS", "true").lower() in ("true", "1")
        self.client = mqtt.Client()
        if self.use_tls:
            self.configure_tls()
        self.client.connect(self.host, self.port)

    def configure_tls(self):
        ca = os.environ.get("MQTT_CA_CERT", "/run/secrets/mqtt_ca")
        if ca:
            self.client.tls_set(ca_certs=ca)
        else:
            self.client.tls_set(cert_reqs=ssl.CERT_NONE)
            self.client.tls_insecure_set(True)


Gateway()
