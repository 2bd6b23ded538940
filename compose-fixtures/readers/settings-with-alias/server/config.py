from pydantic import Field
from pydantic_settings import BaseSettings


class MqttSettings(BaseSettings):
    host: str = Field(default="localhost", alias="MQTT_BROKER_HOST")
    port: int = Field(default=8883, alias="MQTT_BROKER_PORT")
    use_tls: bool = Field(default=False, alias="MQTT_USE_TLS")
    ca: str = Field(default="", alias="MQTT_CA")


settings = MqttSettings()
