/**
 * Who a device is, from outside: enrolled by command, API and claim code; let in by password, token and certificate file; rotated,
 * revoked, held off; and its signed readings proven offline, against the operator too.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import mqtt, { type MqttClient } from 'mqtt';
import { changeRecordDigit } from './harness/bundle.ts';
import { readJournal } from './harness/evidence.ts';
import { mosquittoPub } from './harness/mosquitto.ts';
import { AGENCY, type Device, type Product, startProduct } from './harness/product.ts';
import { airtight, has } from './harness/programs.ts';
import { until } from './harness/waiting.ts';

const GUESSES_MAX = 10;
let product: Product;
const clients: MqttClient[] = [];

before(async () => {
  product = await startProduct();
});
after(async () => {
  for (const client of clients) client.end(true);
  await product?.stop();
});

interface Shown {
  readonly username: string;
  readonly secret?: string;
  readonly code?: string;
  readonly files?: { readonly [what: string]: string };
  readonly credentials: readonly { readonly id: string; readonly kind: string }[];
}

/** `airtight enroll …`, answered as JSON. */
async function enroll(...args: string[]): Promise<Shown> {
  const { code, stdout, stderr } = await airtight(['enroll', ...args, '--data', product.dataDir, '--json']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Shown;
}

const named = (producer: string): string[] => ['--agency', AGENCY, '--producer', producer, '--dataset', 'air'];
const asDevice = (producer: string, secret: string): Device => ({
  ...{ producer, agency: AGENCY, dataset: 'air', topic: `v1/${AGENCY}/air/${producer}`, username: producer, secret },
});

async function post(path: string, body: unknown, headers: { readonly [name: string]: string } = {}): Promise<Response> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
  return fetch(`${product.httpUrl}/api/v1/${path}`, { ...init, body: typeof body === 'string' ? body : JSON.stringify(body) });
}

async function asAdministrator(path: string, body: unknown = {}): Promise<Response> {
  return post(path, body, { authorization: `Bearer ${await product.apiToken()}` });
}

async function connected(username: string, password: string): Promise<MqttClient> {
  const client = mqtt.connect({ host: '127.0.0.1', port: product.mqttPort, username, password, reconnectPeriod: 0 });
  clients.push(client);
  await new Promise<void>((resolve, reject) => client.once('connect', () => resolve()).once('error', reject));
  return client;
}

const isLetIn = (username: string, password: string): Promise<boolean> =>
  connected(username, password).then(
    () => true,
    () => false,
  );

let seq = 0;
const reading = (): string => JSON.stringify({ seq: seq++, t: Date.now(), m: { pm25: 35.4 } });

function keyFile(name: string, key: KeyObject): string {
  const file = join(product.dataDir, name);
  writeFileSync(file, key.export({ type: 'spki', format: 'pem' }));
  return file;
}

/** RFC 7519 and RFC 8037 by hand, apart from what the product uses. */
function tokenOf(key: KeyObject, producer: string): string {
  const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const signed = `${part({ alg: 'EdDSA', typ: 'JWT' })}.${part({ sub: producer, aud: 'airtight', iat: now, exp: now + 3600 })}`;
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
}

test('a password is rotated: for the overlap both count, and the history is listed', async (t) => {
  const { secret: old = '' } = await enroll(...named('rotated'));
  const { secret: fresh = '' } = await enroll('--rotate', 'rotated', '--overlap', '24h');
  if (!has(t, 'mosquitto_pub')) return;
  for (const secret of [old, fresh]) {
    const device = asDevice('rotated', secret);
    assert.equal((await mosquittoPub(product, device, device.topic, ['-m', reading()])).code, 0);
  }
  const { items } = (await (await product.fetch('/api/v1/producers/rotated/keys')).json()) as {
    items: { id: string; kind: string; validTo?: number; hash?: string }[];
  };
  assert.deepEqual(
    items.map(({ kind, validTo, hash }) => [kind, validTo === undefined, hash]),
    [
      ['password', false, undefined],
      ['password', true, undefined],
    ],
  );
  assert.equal((await asAdministrator('producers/rotated/revoke', { credential: items[0]?.id })).status, 200);
  assert.deepEqual([await isLetIn('rotated', old), await isLetIn('rotated', fresh)], [false, true]);
});

test('a revoked device is cut, by command and by API: once that is answered nothing of it is taken', async () => {
  for (const [producer, revoke] of [
    ['cut-1', async () => assert.equal((await airtight(['revoke', 'cut-1', '--data', product.dataDir])).code, 0)],
    ['cut-2', async () => assert.equal((await asAdministrator('producers/cut-2/revoke')).status, 200)],
  ] as const) {
    const { secret } = await product.enrol(producer);
    const client = await connected(producer, secret);
    let isClosed = false;
    client.once('close', () => {
      isClosed = true;
    });
    await revoke();
    client.publish(`v1/${AGENCY}/air/${producer}`, reading(), { qos: 1 });
    await until('the connection is cut', () => isClosed);
    const own = (await readJournal(product)).filter(({ header }) => header.producer === producer);
    assert.ok(own.every(({ header }) => header.dataset === 'sys.devices'));
    assert.ok(Buffer.from(own.at(-1)?.payload ?? []).includes('"revoked":true'));
    assert.equal(await isLetIn(producer, secret), false);
    assert.equal((await post('records', reading(), { authorization: `Basic ${btoa(`${producer}:${secret}`)}` })).status, 401);
  }
  const viewer = await post('producers/cut-2/revoke', {});
  assert.equal(viewer.status, 401, 'nobody else may');
});

test('a device logs in with tokens that it signs itself', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { secret } = await enroll(...named('tokened'), '--jwt-key', keyFile('tokened.pub', publicKey));
  assert.equal(secret, undefined);
  const token = tokenOf(privateKey, 'tokened');
  assert.equal((await post('records', reading(), { authorization: `Bearer ${token}` })).status, 200);
  assert.equal(await isLetIn('tokened', tokenOf(generateKeyPairSync('ed25519').privateKey, 'tokened')), false);
  if (!has(t, 'mosquitto_pub')) return;
  const device = asDevice('tokened', token);
  assert.equal((await mosquittoPub(product, device, device.topic, ['-m', reading()])).code, 0);
});

test('a certificate is issued by our own authority, once that has been made', async () => {
  const args = ['enroll', ...named('certified'), '--certificate', '--out', product.dataDir, '--data', product.dataDir];
  const early = await airtight(args);
  assert.deepEqual([early.code, /CA_MISSING/.test(early.stderr)], [1, true]);
  assert.equal((await airtight(['ca', 'init', '--data', product.dataDir])).code, 0);
  assert.equal((await airtight(['ca', 'init', '--data', product.dataDir])).code, 1, 'a second one would end the first');
  assert.equal(statSync(join(product.dataDir, 'keys/ca.key')).mode & 0o777, 0o600);
  const { files, credentials } = await enroll(...named('certified'), '--certificate', '--out', product.dataDir);
  const certificate = new X509Certificate(readFileSync(files?.['certificate'] as string));
  const ca = new X509Certificate(readFileSync(join(product.dataDir, 'keys/ca.crt')));
  assert.deepEqual([certificate.subject, certificate.verify(ca.publicKey), certificate.ca], ['CN=certified', true, false]);
  assert.equal(statSync(files?.['privateKey'] as string).mode & 0o777, 0o600);
  assert.equal(certificate.fingerprint256.replaceAll(':', '').toLowerCase().slice(0, 16), credentials[0]?.id);
});

test('a device claims its credentials with a code, once; a fleet enrols itself', async () => {
  const { code } = await enroll(...named('claimed'), '--claim', '--life', '1h');
  const answer = await post('claims', { code });
  assert.equal(answer.status, 201);
  const { secret = '' } = (await answer.json()) as Shown;
  assert.equal(await isLetIn('claimed', secret), true);
  assert.equal((await post('claims', { code })).status, 401);
  const template = { agency: AGENCY, kind: 'fridge', datasets: ['coldchain'] };
  const made = await asAdministrator('fleets', { fleet: 'depot', template, namePattern: 'depot-*', devicesMax: 1 });
  const { key } = (await made.json()) as { key: string };
  assert.equal((await post('claims', { key, producer: 'depot-1' })).status, 201);
  assert.equal((await post('claims', { key, producer: 'depot-2' })).status, 409);
  const { provisioned } = (await (await product.fetch('/api/v1/producers/depot-1')).json()) as { provisioned?: string };
  assert.equal(provisioned, 'depot');
});

/** Bundle of a record, in a file; the ledger has it. */
async function bundleFile(position: number, name: string, change: (text: string) => string = (text) => text): Promise<string> {
  await product.untilAnchored();
  const text = await until('the proof is there', async () => (await product.fetch(`/api/v1/records/${position}/proof`)).text());
  const file = join(product.dataDir, name);
  writeFileSync(file, change(text));
  return file;
}

/** Steps of `airtight verify` that fail, with their codes. */
async function faults(file: string, ...args: string[]): Promise<string[]> {
  const { code, stdout } = await airtight(['verify', file, '--data', product.dataDir, '--json', ...args]);
  const { ok, steps } = JSON.parse(stdout) as { ok: boolean; steps: { step: string; ok: boolean; code?: string }[] };
  assert.equal(code, ok ? 0 : 1);
  return steps.flatMap((step) => (step.ok ? [] : [`${step.step} ${step.code}`]));
}

test('a signed reading is proven to be the device’s own; what the operator makes up or changes is named', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = keyFile('signer.pub', publicKey);
  const { secret = '', credentials } = await enroll(...named('signer'), '--sign-key', key, '--signature-required');
  const kid = credentials.find(({ kind }) => kind === 'signing-ed25519')?.id;
  const client = await connected('signer', secret);
  const payload = reading();
  const sig = sign(null, Buffer.from(`airtight-reading-v1\n${AGENCY}/air/signer\n${payload}`), privateKey).toString('base64url');
  await client.publishAsync(`v1/${AGENCY}/air/signer`, `${payload}\n.sig ${kid} ${sig}`, { qos: 1 });
  await client.publishAsync(`v1/${AGENCY}/air/signer`, reading(), { qos: 1 });
  await client.publishAsync(`v1/${AGENCY}/air/signer`, `${reading()}\n.sig ${kid} ${sig}`, { qos: 1 });
  // The operator has the services' own token, and writes what the device never sent.
  const forged = { agency: AGENCY, dataset: 'air', producer: 'signer', payload: { t: Date.now(), m: { pm25: 1 } } };
  await product.ingest('/records', { records: [forged] });
  const records = (await readJournal(product)).filter(({ header }) => header.producer === 'signer' && header.dataset === 'air');
  assert.deepEqual(
    records.map(({ header }) => [header.door, header.signature?.kid]),
    [
      ['mqtt', kid],
      ['internal', undefined],
    ],
  );
  const codes = (await product.page<{ code: string }>('quarantine')).items.map(({ code }) => code);
  assert.deepEqual(codes.slice(0, 2), ['SIGNATURE_INVALID', 'SIGNATURE_MISSING']);

  const position = records[0]?.position as number;
  const genuine = await bundleFile(position, 'genuine.json');
  assert.deepEqual(await faults(genuine), []);
  assert.deepEqual(await faults(genuine, '--device-key', key), []);
  const another = keyFile('another.pub', generateKeyPairSync('ed25519').publicKey);
  assert.deepEqual(await faults(genuine, '--device-key', another), ['signature SIGNATURE_INVALID', 'deviceKey SIGNING_KEY_WRONG']);
  const changed = await bundleFile(position, 'changed.json', changeRecordDigit);
  assert.deepEqual(await faults(changed), ['batch PROOF_MISMATCH', 'signature SIGNATURE_INVALID']);
  const made = await bundleFile(records[1]?.position as number, 'made.json');
  assert.deepEqual(await faults(made, '--device-key', key), ['signature SIGNATURE_MISSING']);
});

// Last: this machine is held off afterwards.
test('who guesses is held off, the device that was there before is not', async () => {
  const device = await product.enrol('guarded');
  assert.equal(await isLetIn('guarded', device.secret), true);
  const stranger = await product.enrol('stranger');
  for (let i = 0; i <= GUESSES_MAX; i++) await isLetIn(`guess-${i}`, 'a guess at a secret');
  // One more is allowed every six seconds: what time has given back meanwhile is used up by another guess.
  const guessAgain = async () => {
    for (const name of ['guess-x', 'guess-y']) await isLetIn(name, 'a guess at a secret');
  };
  await guessAgain();
  assert.equal(await isLetIn('stranger', stranger.secret), false, 'nobody new gets in from there');
  // Another address is easily claimed; only a proxy that the deployment names is believed.
  const claimed = { authorization: `Basic ${btoa(`stranger:${stranger.secret}`)}`, 'x-forwarded-for': '192.0.2.1' };
  await guessAgain();
  const held = await post('records', reading(), claimed);
  assert.equal(held.status, 429);
  assert.ok(Number(held.headers.get('retry-after')) > 0);
  assert.equal(await isLetIn('guarded', device.secret), true);
  assert.ok((await product.metric('airtight_ingest_refused_logins_total', ['RATE_LIMITED'])) >= 2);
});
