/** MQTT over TCP, TLS, WebSocket and WebSocket over TLS: other people's clients come in by each, and what breaks off is let go. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import mqtt from 'mqtt';
import { type KeyPair, TestCa } from './harness/certificates.ts';
import { readJournal } from './harness/evidence.ts';
import { type Environment, IngestNode } from './harness/ingest-node.ts';
import { connectPacket, publishPacket } from './harness/mqtt-bytes.ts';
import type { Device } from './harness/product.ts';
import { finish, has } from './harness/programs.ts';
import { until } from './harness/waiting.ts';

/** Short, so that the test of those who say nothing is: it has a service of its own, as devices that do speak may take longer on a busy machine. */
const CONNECT_TIMEOUT_MS = 1000;
let ca: TestCa;
let server: KeyPair;
let node: IngestNode;
let device: Device;
let nextSeq = 0;

before(async () => {
  ca = await TestCa.create();
  server = await ca.issue('broker');
  node = nodeWith(server);
  await node.start();
  device = await node.enrol('transport-1');
});
after(async () => {
  await node?.stop();
  ca?.remove();
});

/** With all four doors. */
function nodeWith({ certFile, keyFile }: KeyPair, settings: Environment = {}): IngestNode {
  return new IngestNode({
    AIRTIGHT_INGEST_MQTT_TLS_PORT: '0',
    AIRTIGHT_INGEST_MQTT_WS_PORT: '0',
    AIRTIGHT_INGEST_MQTT_WSS_PORT: '0',
    AIRTIGHT_INGEST_TLS_CERT_FILE: certFile,
    AIRTIGHT_INGEST_TLS_KEY_FILE: keyFile,
    AIRTIGHT_INGEST_TLS_CLIENT_CA_FILE: ca.caFile,
    ...settings,
  });
}

const reading = (seq: number): string => JSON.stringify({ seq, t: Date.UTC(2026, 0, 1) + seq * 1000, m: { pm25: seq } });

async function isStored(seq: number): Promise<boolean> {
  return (await readJournal(node)).some(({ header }) => header.producer === device.producer && header.messageId === `seq:${seq}`);
}

/** Publishes by mqtt.js with QoS 1 and 2 and looks both up in the journal. */
async function publishesThrough(url: string, options: mqtt.IClientOptions = {}): Promise<void> {
  const client = await mqtt.connectAsync(url, {
    username: device.username,
    password: device.secret,
    reconnectPeriod: 0,
    ...options,
  });
  try {
    for (const qos of [1, 2] as const) {
      const seq = nextSeq++;
      await client.publishAsync(device.topic, reading(seq), { qos });
      assert.ok(await isStored(seq), `QoS ${qos}`);
    }
  } finally {
    await client.endAsync(true);
  }
}

/** Runs `act`, and waits until a counter is one higher. */
async function countedAfter(name: string, act: () => Promise<unknown>): Promise<void> {
  const before = await node.metric(name);
  await act();
  await until(`${name} is counted`, async () => (await node.metric(name)) === before + 1);
}

test('mosquitto_pub over TLS, with the CA that signed the certificate', async (t) => {
  if (!has(t, 'mosquitto_pub', 'openssl')) return;
  const seq = nextSeq++;
  const { code, stderr } = await finish('mosquitto_pub', [
    ...['-h', '127.0.0.1', '-p', String(node.ports.tls), '--cafile', ca.caFile],
    ...['-u', device.username, '-P', device.secret, '-q', '1', '-t', device.topic, '-m', reading(seq)],
  ]);
  assert.equal(code, 0, stderr);
  assert.ok(await isStored(seq));
});

test('mqtt.js over TLS', () => publishesThrough(`mqtts://127.0.0.1:${node.ports.tls}`, { ca: readFileSync(ca.caFile) }));

test('mqtt.js over WebSocket', () => publishesThrough(`ws://127.0.0.1:${node.ports.ws}/mqtt`));

test('mqtt.js over WebSocket over TLS', () => publishesThrough(`wss://127.0.0.1:${node.ports.wss}/mqtt`, { ca: readFileSync(ca.caFile) }));

test('a client certificate of the client CA is taken, one of another CA is not', async (t) => {
  const own = await ca.issue('transport-1');
  const pair = ({ certFile, keyFile }: KeyPair) => ({ cert: readFileSync(certFile), key: readFileSync(keyFile) });
  await publishesThrough(`mqtts://127.0.0.1:${node.ports.tls}`, { ca: readFileSync(ca.caFile), ...pair(own) });
  const otherCa = await TestCa.create();
  t.after(() => otherCa.remove());
  const foreign = pair(await otherCa.issue('transport-1'));
  for (const port of [node.ports.tls, node.ports.wss]) {
    await countedAfter('airtight_ingest_refused_handshakes_total', async () => {
      const socket = await handshake({ host: '127.0.0.1', port, ca: readFileSync(ca.caFile), ...foreign });
      socket.on('error', () => {}).resume();
      // With TLS 1.3 a client learns of the refusal after its own handshake; a WebSocket's socket is looked at when it asks for one.
      socket.write('GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n');
      socket.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n');
      await until('the connection is closed', () => socket.closed);
    });
  }
});

test('TLS 1.1 is refused', async () => {
  const options = { host: '127.0.0.1', port: node.ports.tls, ca: readFileSync(ca.caFile) } as const;
  // Security level 0: this machine's own OpenSSL would not offer it otherwise.
  await countedAfter('airtight_ingest_refused_handshakes_total', () =>
    assert.rejects(handshake({ ...options, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }), /alert/),
  );
  (await handshake(options)).destroy();
});

function handshake(options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls(options, () => resolve(socket));
    socket.once('error', reject);
  });
}

test('a renewed certificate is served after SIGHUP, and connections that stand go on; a broken one is not taken', async () => {
  const trust = { ca: readFileSync(ca.caFile) };
  const standing = await mqtt.connectAsync(`mqtts://127.0.0.1:${node.ports.tls}`, {
    username: device.username,
    password: device.secret,
    reconnectPeriod: 0,
    ...trust,
  });
  const renewed = await ca.issue('renewed');
  copyFileSync(renewed.keyFile, server.keyFile);
  copyFileSync(renewed.certFile, server.certFile);
  const shown = async (port: number) => {
    const socket = await handshake({ host: '127.0.0.1', port, ...trust });
    const certificate = socket.getPeerX509Certificate();
    socket.destroy();
    return certificate?.fingerprint256;
  };
  const wanted = new X509Certificate(readFileSync(renewed.certFile)).fingerprint256;
  node.signal('SIGHUP');
  for (const port of [node.ports.tls, node.ports.wss]) await until('the new certificate', async () => (await shown(port)) === wanted);

  copyFileSync((await ca.issue('third')).keyFile, server.keyFile);
  node.signal('SIGHUP');
  await until('the log tells', () => node.output.includes('TLS certificate not taken'));
  assert.equal(await shown(node.ports.tls), wanted);
  await standing.publishAsync(device.topic, reading(nextSeq++), { qos: 1 });
  await standing.endAsync(true);
});

/** A WebSocket of Node's own. Resolves when it is open; rejects when the handshake is refused. */
function openWebSocket(path: string, protocols: string[], port = node.ports.ws): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols);
  socket.binaryType = 'arraybuffer';
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(socket));
    socket.addEventListener('error', () => reject(new Error('the handshake was refused')));
  });
}

test('a WebSocket needs the path /mqtt and the subprotocol mqtt [MQTT-6.0.0-3]', async () => {
  for (const [path, protocols] of [
    ['/other', ['mqtt']],
    ['/mqtt', []],
    ['/mqtt', ['chat']],
  ] as const) {
    await countedAfter('airtight_ingest_refused_handshakes_total', () => assert.rejects(openWebSocket(path, [...protocols])));
  }
  const socket = await openWebSocket('/mqtt', ['chat', 'mqtt']);
  assert.equal(socket.protocol, 'mqtt');
  socket.close();
  assert.equal((await fetch(`http://127.0.0.1:${node.ports.ws}/mqtt`)).status, 426);
});

test('packets may be cut over WebSocket messages, and a message may hold several [MQTT-6.0.0-2]', async () => {
  const socket = await openWebSocket('/mqtt', ['mqtt']);
  let received: Buffer = Buffer.alloc(0);
  socket.addEventListener('message', ({ data }) => {
    received = Buffer.concat([received, Buffer.from(data as ArrayBuffer)]);
  });
  const first = nextSeq;
  nextSeq += 2;
  const connectBytes = connectPacket({ clientId: 'cut', clean: true, username: device.username, password: device.secret });
  const publishes = [0, 1].map((i) => publishPacket(device.topic, i + 1, Buffer.from(reading(first + i))));
  const stream = Buffer.concat([connectBytes, ...publishes]);
  for (let at = 0; at < stream.length; at += 7) socket.send(stream.subarray(at, at + 7));
  await until('both are acknowledged', () => received.length >= 12);
  assert.equal(received.toString('hex'), '20020000' + '40020001' + '40020002');
  socket.close();
});

test('a text message ends the connection [MQTT-6.0.0-1], a message beyond every limit too, and both are counted', async () => {
  for (const message of ['text', Buffer.alloc(2 * 1024 * 1024)]) {
    await countedAfter('airtight_ingest_violations_total', async () => {
      const socket = await openWebSocket('/mqtt', ['mqtt']);
      let closed = false;
      socket.addEventListener('close', () => {
        closed = true;
      });
      socket.send(message);
      await until('the broker closes', () => closed);
    });
  }
});

test('who sends WebSocket pings and reads no answers is cut off, and counted', async () => {
  const socket = connect(node.ports.ws, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n');
  socket.write('Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n');
  // RFC 6455 §5.2: FIN and opcode 9, masked with zeros.
  const ping = Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125)]);
  const many = Buffer.concat(Array.from({ length: 8000 }, () => ping));
  await countedAfter('airtight_ingest_violations_total', async () => {
    await until('the broker closes', () => {
      if (socket.writableLength < many.length) socket.write(many);
      return socket.closed;
    });
  });
});

test('a client of each door that says nothing is let go', async (t) => {
  const strict = nodeWith(await ca.issue('strict'), { AIRTIGHT_INGEST_CONNECT_TIMEOUT_MS: String(CONNECT_TIMEOUT_MS) });
  t.after(() => strict.stop());
  await strict.start();
  const { tcp, tls, ws, wss } = strict.ports;
  const silent = [tcp, tls, ws, wss].map((port) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    return socket;
  });
  const halfRequest = connect(ws, '127.0.0.1');
  halfRequest.on('error', () => {}).resume();
  halfRequest.write('GET /mqtt HTTP/1.1\r\nHost: x\r\n');
  const mute = await until('a WebSocket stands', () => openWebSocket('/mqtt', ['mqtt'], ws));
  const all = [...silent, halfRequest];
  await until('all are closed', () => all.every((socket) => socket.closed) && mute.readyState === WebSocket.CLOSED);
});
