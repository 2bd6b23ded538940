const fs = require('fs');
const mqtt = require('mqtt');
const client = mqtt.connect(process.env.MQTT_URL, {
  rejectUnauthorized: process.env.MQTT_REJECT_UNAUTHORIZED !== 'false',
});
