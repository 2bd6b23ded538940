import argparse
import os

import paho.mqtt.client as mqtt

HOST = os.environ.get("BROKER_HOST", "localhost")
PORT = int(os.environ.get("BROKER_PORT", "1883"))
TLS_PORT = int(os.environ.get("BROKER_TLS_PORT", "8883"))

parser = argparse.ArgumentParser()
parser.add_argument(
    "--mode",
    choices=["open", "tls"],
    default="open",
)
args = parser.parse_args()

client = mqtt.Client()
port = PORT
if args.mode == "tls":
    port = TLS_PORT
    try:
        client.tls_set(ca_certs="certs/ca.crt")
        client.tls_insecure_set(True)
    except FileNotFoundError:
        raise SystemExit("no CA")
client.connect(HOST, port)
