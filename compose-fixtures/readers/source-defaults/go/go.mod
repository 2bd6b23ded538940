module x
require github.com/eclipse/paho.mqtt.golang v1.4.3
