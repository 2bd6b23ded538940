"""Hands alerts to whoever wants them. It does not speak MQTT."""
import os
import time

ALERT_POLL_SECONDS = float(os.getenv("ALERT_POLL_SECONDS", "10"))


def dispatch(alerts):
    for alert in alerts:
        print("dispatched", alert, flush=True)
    return len(alerts)


def main():
    while True:
        dispatch([])
        time.sleep(ALERT_POLL_SECONDS)


if __name__ == "__main__":
    main()
