print("mosquitto bites are a topic of mine")
