const mqtt = require('mqtt');
mqtt.connect(process.env.MQTT_URL, { rejectUnauthorized: true });
