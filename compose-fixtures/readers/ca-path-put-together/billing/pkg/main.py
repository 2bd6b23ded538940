import os
import paho.mqtt.client as mqtt

HERE = os.path.dirname(os.path.abspath(__file__))


def near(*parts):
    return os.path.join(HERE, *parts)


anchor = near("tls", "root.crt")
client = mqtt.Client("billing")
client.tls_set(ca_certs=anchor, certfile=near("tls", "own.crt"), keyfile=near("tls", "own.key"))
client.connect("mosquitto", 8883)
client.loop_forever()
