module example.com/fleet

require github.com/eclipse/paho.mqtt.golang v1.5.0
