import os
import ssl
import paho.mqtt.client as mqtt

ctx = ssl.create_default_context(cafile=os.environ["MQTT_CA"])
c = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
c.tls_set_context(ctx)
c.connect(os.environ["MQTT_HOST"], int(os.environ["MQTT_PORT"]))
