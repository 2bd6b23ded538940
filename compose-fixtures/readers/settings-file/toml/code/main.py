import tomllib

import paho.mqtt.client as mqtt

with open("./config/config.toml", "rb") as f:
    settings = tomllib.load(f)["mqtt"]

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.connect(settings["broker"], settings["port"])
client.loop_forever()
