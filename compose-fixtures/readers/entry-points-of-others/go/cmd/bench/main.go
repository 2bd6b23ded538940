package main

import mqtt "github.com/eclipse/paho.mqtt.golang"

func main() {
	mqtt.NewClientOptions().AddBroker("tcp://mosquitto:1999")
}
