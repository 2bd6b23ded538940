import aiomqtt
import os

cfg = {}
params = aiomqtt.TLSParameters() if cfg.get("tls") else None
client = aiomqtt.Client(os.environ["MQTT_BROKER"], port=1883, tls_params=params)
