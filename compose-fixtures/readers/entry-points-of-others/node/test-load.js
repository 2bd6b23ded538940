const mqtt = require('mqtt');
mqtt.connect('mqtt://localhost:1883');
