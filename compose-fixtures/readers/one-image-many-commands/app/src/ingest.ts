import mqtt from 'mqtt';
export const start = () => mqtt.connect(process.env.MQTT_URL ?? 'mqtt://mosquitto:1883').subscribe('#');
