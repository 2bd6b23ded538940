import paho.mqtt.client as mqtt
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    MQTT_BROKER: str = "hub"
    MQTT_PORT: int = 1883


settings = Settings()
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.connect(settings.MQTT_BROKER, settings.MQTT_PORT)
client.loop_forever()
