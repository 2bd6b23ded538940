import os
import subprocess
import docker

subprocess.run(["openssl", "version"], check=True)
names = ["MQTT_HOST", "MQTT_PORT", "MQTT_USE_TLS", "MQTT_CA_CERT"]
docker.from_env().containers.run("device", environment={n: os.environ[n] for n in names})
