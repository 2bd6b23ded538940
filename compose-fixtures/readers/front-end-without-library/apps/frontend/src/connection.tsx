import { DEFAULT_BROKER } from './types/broker';
export const defaults = { protocol: 'mqtt', mqttHost: 'localhost', brokerUrl: 'mqtt://mosquitto:1883', fallback: DEFAULT_BROKER };
export const Help = () => <p>MQTT broker, such as 192.0.2.50:1883</p>;
