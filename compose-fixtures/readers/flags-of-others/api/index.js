const fs = require('fs');
const mqtt = require('mqtt');

const options = { username: 'api' };
if (process.env.MQTT_BROKER_URL.startsWith('mqtts://')) {
  options.key = fs.readFileSync('/run/api.key');
  options.cert = fs.readFileSync('/run/api.crt');
}
mqtt.connect(process.env.MQTT_BROKER_URL, options);
