import mqtt from 'mqtt';
const url = process.env.MQTT_URL || 'mqtt://mosquitto:1883';
mqtt.connect(url);
