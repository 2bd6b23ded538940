import aiomqtt

# the broker is "mosquitto:1999"
async def main(host: str = "mosquitto", port: int = 1883):
    async with aiomqtt.Client(host, port) as client:
        await client.publish("mosquitto/status", "up")
