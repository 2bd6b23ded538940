const mqtt = require('mqtt');
const fs = require('fs');
const path = require('path');
const caFile = path.join(__dirname, 'pki', 'ca.crt');
const client = mqtt.connect(process.env.BROKER_URL, {
  key: fs.readFileSync('/app/pki/client.key'),
  cert: fs.readFileSync('/app/pki/client.crt'),
  ca: fs.readFileSync(caFile),
});
