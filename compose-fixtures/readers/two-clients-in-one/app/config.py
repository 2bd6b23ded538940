from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    mqtt_broker_host: str = ""
    mqtt_broker_port: int = 1883
    mqtt_cloud_host: str = "cloud.example"
    mqtt_cloud_ca: str = "/app/cloud-ca.crt"  # the cloud's own


settings = Settings()
