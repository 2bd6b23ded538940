import mqtt from 'mqtt';
mqtt.connect('mqtt://localhost:1883').publish('load', '1');
