// mqtt.js in Node. Requests and answers as in paho_python.py; MODULE is the folder of the package.
'use strict';
const fs = require('fs');
const readline = require('readline');

const [module_, ca, username, topic] = process.argv.slice(2);
const mqtt = require(module_);

function attempt(scheme, host, port, password) {
  return new Promise((resolve) => {
    const options = { ca: fs.readFileSync(ca), username, password, reconnectPeriod: 0, connectTimeout: 8000 };
    const client = mqtt.connect(`${scheme}://${host}:${port}`, options);
    const say = (...words) => {
      client.removeAllListeners();
      client.on('error', () => {});
      client.end(true);
      resolve(words.join(' ').replace(String(port), 'PORT'));
    };
    client.on('connect', () => client.subscribe(topic, { qos: 1 }, () => client.publish(topic, `from ${host}`, { qos: 1 })));
    client.on('message', (_, payload) => say('accepted', payload));
    client.on('error', (e) => {
      if (String(e.code).startsWith('ERR_TLS') || /certificate/.test(e.message)) say('refused', e.code, e.message);
      else if (typeof e.code === 'number') say('login', e.code, e.message);
      else say('lost', e.code || '', e.message);
    });
    client.on('close', () => say('lost', 'close'));
  });
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(await attempt(...line.split(' ')));
  }
  // The library's timers would keep the process until they fire.
  process.exit(0);
})();
