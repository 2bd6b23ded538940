const mqtt = require('mqtt');
const { z } = require('zod');
const env = z.object({ MQTT_URL: z.string().default('mqtt://localhost:1883') }).parse(process.env);
mqtt.connect(env.MQTT_URL).subscribe('#');
