const mqtt = require('mqtt');
const client = mqtt.connect({ host: process.env.MQTT_HOST, port: process.env.MQTT_PORT });
client.subscribe('#');
