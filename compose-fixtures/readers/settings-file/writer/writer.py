import json

config = {
    "mqtt": {
        "host": "mosquitto",
        "topic_prefix": "frigate",
    }
}
print(json.dumps(config))
