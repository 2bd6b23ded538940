module example.com/device

require github.com/eclipse/paho.mqtt.golang v1.5.0
