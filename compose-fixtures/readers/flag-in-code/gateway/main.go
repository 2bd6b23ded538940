package main

import (
	"crypto/tls"
	"os"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	opts := mqtt.NewClientOptions().AddBroker(os.Getenv("MQTT_BROKER"))
	opts.SetTLSConfig(&tls.Config{InsecureSkipVerify: true})
	mqtt.NewClient(opts).Connect()
}
