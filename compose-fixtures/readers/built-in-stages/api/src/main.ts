import { connect } from 'mqtt';

const url = String(process.env.MQTT_URL ?? 'mqtt://localhost:1883');
const client = connect(url);
client.subscribe('plant/#');

export const event = { endpoint: 'mqtt://plant/line/+/state' };
