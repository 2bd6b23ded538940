import type { MqttClient } from 'mqtt';
export const DEFAULT_BROKER = 'mqtt://mosquitto:1883';
export type Connection = { client: MqttClient };
