const mqtt = require('mqtt');
const client = mqtt.connect(process.env.BROKER_URL, { username: process.env.BROKER_USER });
client.subscribe('lamp/#');
