const fs = require('fs');
const mqtt = require('mqtt');

const brokerAddress = '192.0.2.70';
const logFile = 'mqtt.log';
const root = fs.readFileSync('/app/tls/ca.pem');
mqtt.connect({ host: brokerAddress, port: 8883, protocol: 'mqtts', ca: root });
