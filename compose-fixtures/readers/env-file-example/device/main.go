package main

import (
	"crypto/tls"
	"os"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	port := os.Getenv("MQTT_PORT")
	options := mqtt.NewClientOptions()
	if os.Getenv("MQTT_USE_TLS") == "true" {
		port = os.Getenv("MQTT_TLS_PORT")
		options.SetTLSConfig(&tls.Config{})
	}
	options.AddBroker("tcp://" + os.Getenv("MQTT_BROKER") + ":" + port)
	mqtt.NewClient(options).Connect()
}
