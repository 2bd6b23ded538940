import os


def _get_env(name, default=None, required=False):
    value = os.getenv(name, default)
    if required and not value:
        raise RuntimeError(name)
    return value


class Settings:
    host = _get_env("METER_MQTT_HOST", required=True)
    port = int(_get_env("METER_MQTT_PORT", default="1883"))
    topic = _get_env("METER_MQTT_TOPIC", default="meter/power")
