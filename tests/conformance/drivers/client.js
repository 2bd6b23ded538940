// Node's tls. Requests and answers as in client.py.
'use strict';
const fs = require('fs');
const net = require('net');
const readline = require('readline');
const tls = require('tls');

function attempt(port, ca, name) {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, ca: fs.readFileSync(ca), rejectUnauthorized: true };
    if (name && !net.isIP(name)) options.servername = name;
    options.checkServerIdentity = (_, certificate) => (name ? tls.checkServerIdentity(name, certificate) : undefined);
    const no = (error) => resolve(`no\t${error.code || ''} ${error.message}`.replace(/[\r\n]+/g, ' '));
    let socket;
    try {
      socket = tls.connect(options, () => { socket.destroy(); resolve('yes'); });
    } catch (error) {
      no(error);
      return;
    }
    socket.setTimeout(6000, () => { socket.destroy(); resolve('failed\ttimeout'); });
    socket.on('error', no);
  });
}

(async () => {
  console.log(`Node ${process.version}, OpenSSL ${process.versions.openssl}`);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [port, ca, name] = line.split('\t');
    console.log(await attempt(Number(port), ca, name === '-' ? null : name));
  }
})();
