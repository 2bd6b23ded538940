package main

import mqtt "github.com/eclipse/paho.mqtt.golang"

var cfg = Config{
	Broker: getEnv("MQTT_BROKER", ""),
	UseTLS: getEnvBool("MQTT_USE_TLS", false),
}

func connect() {
	opts := mqtt.NewClientOptions().AddBroker(cfg.Broker)
	if cfg.UseTLS {
		opts.SetTLSConfig(newTLSConfig())
	}
}
