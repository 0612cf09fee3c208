/**
 * Devices that log in by their client certificate alone, as a person sets it up: `airtight ca init`, `airtight up --tls`,
 * `airtight enroll --certificate`, then other people's MQTT clients with the files these wrote.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { freePort } from '@airtight/ledger/testing/free-port.ts';
import mqtt, { type MqttClient } from 'mqtt';
import { TestCa } from './harness/certificates.ts';
import { readJournal } from './harness/evidence.ts';
import { AGENCY, type Product, startProduct } from './harness/product.ts';
import { airtight, type Finished, finish, has } from './harness/programs.ts';
import { until } from './harness/waiting.ts';

let product: Product;
let port: number;
/** The CA that `airtight ca init` made. */
let ca: string;
const folder = mkdtempSync(join(tmpdir(), 'airtight-mutual-'));
const clients: MqttClient[] = [];

before(async () => {
  port = await freePort();
  const dataDir = mkdtempSync(join(tmpdir(), 'airtight-product-'));
  const made = await airtight(['ca', 'init', '--data', dataDir, '--json']);
  assert.equal(made.code, 0, made.stderr);
  ca = readFileSync((JSON.parse(made.stdout) as { certificate: string }).certificate, 'utf8');
  product = await startProduct({ dataDir, arguments: ['--tls', '--mqtt-tls-port', String(port)] });
});
after(async () => {
  for (const client of clients) client.end(true);
  rmSync(folder, { recursive: true, force: true });
  await product?.stop();
});

interface Certified {
  readonly producer: string;
  readonly topic: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly ca: string;
  /** The command that `enroll` shows for trying it. */
  readonly trial: string;
}

async function enrol(producer: string): Promise<Certified> {
  const named = ['--agency', AGENCY, '--producer', producer, '--dataset', 'air', '--certificate', '--out', folder, '--lang', 'en'];
  const { code, stdout, stderr } = await airtight(['enroll', ...named, '--data', product.dataDir]);
  assert.equal(code, 0, stderr);
  assert.ok(!stdout.includes('Secret:'), 'no password was made');
  const at = (ending: string): string => join(folder, `${producer}.${ending}`);
  const trial = stdout.split('\n').find((line) => line.startsWith('mosquitto_pub ')) ?? '';
  return { producer, topic: `v1/${AGENCY}/air/${producer}`, certificate: at('crt'), privateKey: at('key'), ca: at('ca.crt'), trial };
}

let seq = 0;
const reading = (): string => JSON.stringify({ seq: seq++, t: Date.now(), m: { pm25: 35.4 } });

/** mosquitto_pub with certificate and key, and with nothing else. */
function publishes(device: Certified, more: readonly string[] = []): Promise<Finished> {
  return finish('mosquitto_pub', [
    ...['-h', 'localhost', '-p', String(port), '--cafile', device.ca, '--cert', device.certificate, '--key', device.privateKey],
    ...['-q', '1', '-t', device.topic, '-m', reading(), ...more],
  ]);
}

async function connected({ certificate, privateKey, ca: trusted }: Certified, options: mqtt.IClientOptions = {}): Promise<MqttClient> {
  const files = { cert: readFileSync(certificate), key: readFileSync(privateKey), ca: readFileSync(trusted) };
  const client = mqtt.connect(`mqtts://localhost:${port}`, { ...files, reconnectPeriod: 0, connectTimeout: 10_000, ...options });
  clients.push(client);
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve()).once('error', reject);
    client.once('close', () => reject(new Error('closed')));
  });
  return client;
}

const isLetIn = (device: Certified, options: mqtt.IClientOptions = {}): Promise<boolean> =>
  connected(device, options).then(
    () => true,
    () => false,
  );

async function readingsOf(producer: string): Promise<number> {
  return (await readJournal(product)).filter(({ header }) => header.dataset === 'air' && header.producer === producer).length;
}

test('the server shows a certificate for this machine by the CA that was there', async () => {
  for (const servername of ['localhost', hostname()]) {
    const socket = connectTls({ port, host: '127.0.0.1', servername, ca });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    assert.ok(socket.authorized, servername);
    socket.destroy();
  }
});

test('a device publishes with its certificate and key, without name or password', async (t: TestContext) => {
  const device = await enrol('mutual-1');
  assert.equal(readFileSync(device.ca, 'utf8'), ca);
  const client = await connected(device);
  await client.publishAsync(device.topic, reading(), { qos: 1 });
  assert.equal(await readingsOf('mutual-1'), 1);
  if (!has(t, 'mosquitto_pub', 'sh')) return;
  const { code, stderr } = await publishes(device);
  assert.equal(code, 0, stderr);
  // The very command that was shown.
  const shown = await finish('sh', ['-c', device.trial]);
  assert.equal(shown.code, 0, `${device.trial}\n${shown.stderr}`);
  assert.equal(await readingsOf('mutual-1'), 3);
});

test('a revoked device is cut: once that is answered nothing of it is taken, and it is refused from then on', async (t: TestContext) => {
  const device = await enrol('mutual-2');
  const client = await connected(device);
  let isClosed = false;
  client.once('close', () => {
    isClosed = true;
  });
  assert.equal((await airtight(['revoke', 'mutual-2', '--data', product.dataDir])).code, 0);
  client.publish(device.topic, reading(), { qos: 1 });
  await until('the connection is cut', () => isClosed);
  const record = (await readJournal(product)).findLast(({ header }) => header.dataset === 'sys.devices' && header.producer === 'mutual-2');
  assert.ok(record && Buffer.from(record.payload).includes('"revoked":true'));
  assert.equal(await isLetIn(device), false);
  if (has(t, 'mosquitto_pub')) assert.notEqual((await publishes(device)).code, 0);
  assert.equal(await readingsOf('mutual-2'), 0);
});

test('a certificate of another CA, or of another device, does not let in, whatever its name', async (t: TestContext) => {
  if (!has(t, 'openssl')) return;
  const device = await enrol('mutual-3');
  const other = await TestCa.create();
  try {
    const { certFile, keyFile } = await other.issue('mutual-3');
    const forged = { ...device, certificate: certFile, privateKey: keyFile };
    assert.equal(await isLetIn(forged), false);
    assert.equal(await isLetIn(forged, { username: 'mutual-3' }), false);
    if (has(t, 'mosquitto_pub')) assert.notEqual((await publishes(forged)).code, 0);
  } finally {
    other.remove();
  }
  assert.equal(await isLetIn(device, { username: 'mutual-1' }), false, 'under the name of another device');
  assert.equal(await isLetIn(device, { username: 'mutual-3' }), true);
  const server = join(product.dataDir, 'keys/server');
  assert.equal(
    await isLetIn({ ...device, certificate: `${server}.crt`, privateKey: `${server}.key` }),
    false,
    'the certificate of the server',
  );
  assert.equal(await readingsOf('mutual-3'), 0);
});

test('a device with a password needs no certificate', async () => {
  const { username, secret, topic } = await product.enrol('mutual-4');
  const client = await mqtt.connectAsync(`mqtts://localhost:${port}`, { ca, username, password: secret, reconnectPeriod: 0 });
  clients.push(client);
  await client.publishAsync(topic, reading(), { qos: 1 });
  assert.equal(await readingsOf('mutual-4'), 1);
});
