MQTT = {
    "internal": {
        "HOST": "mqtt",
        "PORT": 8000,
    }
}
