const mqtt = require('mqtt');
const { z } = require('zod');

const env = z.object({
  MQTT_HOST: z.string(),
  MQTT_PORT: z.coerce.number().default(8883),
  MQTT_PROTOCOL: z.enum(['mqtt', 'mqtts']).default('mqtts'),
}).parse(process.env);
mqtt.connect({ host: env.MQTT_HOST, port: env.MQTT_PORT, protocol: env.MQTT_PROTOCOL });
