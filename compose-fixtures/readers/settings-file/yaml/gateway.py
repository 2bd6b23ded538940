import yaml
import paho.mqtt.client as mqtt

config = yaml.safe_load(open("config.yaml"))["mqtt"]
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.connect(config["host"], config["port"])  # the container of the broker
client.loop_forever()
