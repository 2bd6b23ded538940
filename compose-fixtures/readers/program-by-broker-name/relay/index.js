const mqtt = require('mqtt');

const hub = process.env.NODE_ENV === 'production'
  ? 'mqtts://hub:8883'
  : 'mqtts://localhost:8883';
const link = mqtt.connect(hub, { rejectUnauthorized: false });
link.on('connect', () => link.subscribe('barn/#'));
