const mqtt = require('mqtt');
mqtt.connect({host: process.env.MQTT_HOST});
