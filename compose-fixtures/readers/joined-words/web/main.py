import paho.mqtt.client as mqtt
import settings

port = getattr(settings, "MQTT_PORT", 1883)
mqtt.Client().connect(settings.MQTT["internal"]["HOST"], port)
