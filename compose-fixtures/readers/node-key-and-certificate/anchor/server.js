const mqtt = require('mqtt');
const fs = require('fs');
mqtt.connect(process.env.BROKER_URL, { ca: fs.readFileSync('/app/pki/ca.crt') });
