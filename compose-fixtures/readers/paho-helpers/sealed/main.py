import os
import paho.mqtt.publish as publish

HOST = os.getenv("MQTT_HOST", "mosquitto")
publish.single("a/b", "1", hostname=HOST, port=8883, tls={"ca_certs": "/app/ca.crt"})
