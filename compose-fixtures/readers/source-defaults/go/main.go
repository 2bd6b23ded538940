package main

import mqtt "github.com/eclipse/paho.mqtt.golang"

func main() {
	opts := mqtt.NewClientOptions()
	opts.AddBroker("tcp://mosquitto:1883")
}
