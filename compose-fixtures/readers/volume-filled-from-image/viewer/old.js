const mqtt = require('mqtt');
mqtt.connect('mqtt://192.0.2.77:1883').subscribe('#');
