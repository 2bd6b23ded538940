package link

import mqtt "github.com/eclipse/paho.mqtt.golang"

func Dial() {
	mqtt.NewClientOptions().AddBroker("tcp://mosquitto:1883")
}
