from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    mqtt_broker_host: str = "localhost"
    mqtt_broker_port: int = 8883
    mqtt_tls_insecure: bool = False
