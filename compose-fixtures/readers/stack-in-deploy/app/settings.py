class Settings:
    mqtt_tls = False
    ca = "/certs/ca.crt"


settings = Settings()
