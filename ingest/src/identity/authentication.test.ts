import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { Credential, DeviceRecord } from '@airtight/protocol';
import { SignJWT } from 'jose';
import { authenticateDevice, type DeviceLogin, parseAuthorization } from './authentication.ts';
import { CA_CERTIFICATE_FILE, CA_KEY_FILE, CertificateAuthority, type IssuedCertificate } from './certificate-authority.ts';
import { DeviceRegistry } from './device-registry.ts';
import { keyIdOf, parsePublicKey } from './ed25519-key.ts';
import { type PeerIdentity, peerIdentityOf } from './peer-identity.ts';
import { hashSecret } from './secret-hash.ts';

const NOW = Date.now();
const DAY_MS = 86_400_000;
const AUDIENCE = 'airtight.test';
const SECRET = 'a secret of the device';

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

function device(producer: string, credentials: readonly Credential[]): DeviceRecord {
  const fields = { type: 'device', agency: 'a', kind: 'air-station', name: { zh: '', en: '' }, datasets: ['air'], subscribe: [] } as const;
  return { ...fields, producer, credentials, simulated: false, revoked: false };
}

function registryOf(...devices: DeviceRecord[]): DeviceRegistry {
  const registry = new DeviceRegistry();
  for (const each of devices) registry.set(each);
  return registry;
}

async function who(registry: DeviceRegistry, login: DeviceLogin, now = NOW): Promise<string | undefined> {
  const found = await authenticateDevice(registry, login, now, { audience: AUDIENCE });
  return found === undefined ? undefined : `${found.device.producer} by ${found.credentialId}`;
}

test('Basic credentials: the secret may hold colons, the name may not [RFC 7617 §2]', () => {
  assert.deepEqual(parseAuthorization(basic('p:a:b')), { username: 'p', secret: 'a:b' });
  assert.deepEqual(parseAuthorization(basic('p:密码').replace('Basic', 'bAsIc ')), { username: 'p', secret: '密码' });
  assert.deepEqual(parseAuthorization(basic(':')), { username: '', secret: '' });
  assert.deepEqual(parseAuthorization('Bearer eyJh.eyJi.c'), { secret: 'eyJh.eyJi.c' });
});

test('what is no Basic or Bearer credentials is nothing', () => {
  for (const header of [undefined, '', 'Basic', 'Basic ', 'Basic !', basic('no colon'), 'Bearer cDpx', basic(`p:${'x'.repeat(4096)}`)])
    assert.equal(parseAuthorization(header), undefined, `${header?.slice(0, 40)}`);
});

test('passwords count within their validity, each of them while they overlap', async () => {
  const [old, fresh] = [await hashSecret('the old secret'), await hashSecret(SECRET)];
  const registry = registryOf(
    device('p', [
      { id: 'old', kind: 'password', hash: old, validFrom: 0, validTo: NOW + 1000 },
      { id: 'new', kind: 'password', hash: fresh, validFrom: NOW },
      { id: 'past', kind: 'password', hash: '', validFrom: 0, validTo: 1 },
    ]),
  );
  assert.equal(await who(registry, { username: 'p', secret: 'the old secret' }), 'p by old');
  assert.equal(await who(registry, { username: 'p', secret: SECRET }), 'p by new');
  assert.equal(await who(registry, { username: 'p', secret: 'the old secret' }, NOW + 1000), undefined);
  assert.equal(await who(registry, { username: 'p', secret: SECRET }, NOW - 1), undefined);
  for (const login of [{ username: 'p', secret: '' }, { username: 'q', secret: SECRET }, { secret: SECRET }, {}])
    assert.equal(await who(registry, login), undefined);
  registry.set({ ...(registry.get('p') as DeviceRecord), revoked: true });
  assert.equal(await who(registry, { username: 'p', secret: SECRET }), undefined);
});

interface Claims {
  readonly sub?: string;
  readonly aud?: string;
  readonly exp?: number;
  readonly iat?: number;
  readonly nbf?: number;
}

function token(key: KeyObject, claims: Claims, alg = 'EdDSA'): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg }).sign(key);
}

test('a token counts when it is by the registered key, for this device and deployment, now and for a day at most', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const text = parsePublicKey(publicKey.export({ type: 'spki', format: 'pem' }) as string) as string;
  const registry = registryOf(device('p', [{ id: keyIdOf(text), kind: 'jwt-ed25519', publicKey: text, validFrom: 0 }]), device('q', []));
  const nowS = Math.floor(NOW / 1000);
  const good = { sub: 'p', aud: AUDIENCE, iat: nowS, exp: nowS + 600 };
  const let_in = `p by ${keyIdOf(text)}`;
  for (const claims of [good, { ...good, iat: nowS + 50, nbf: nowS + 50 }, { ...good, exp: nowS - 50 }, { ...good, exp: nowS + 86_400 }]) {
    assert.equal(await who(registry, { username: 'p', secret: await token(privateKey, claims) }), let_in, JSON.stringify(claims));
  }
  // Over HTTP the token alone names the device.
  assert.equal(await who(registry, { secret: await token(privateKey, good) }), let_in);
  const { sub: _, ...nobody } = good;
  const { aud: __, ...anywhere } = good;
  const { exp: ___, ...forever } = good;
  for (const claims of [
    { ...good, sub: 'q' },
    { ...good, aud: 'elsewhere' },
    { ...good, exp: nowS - 61 },
    { ...good, exp: nowS + 86_400 + 120 },
    { ...good, nbf: nowS + 61 },
    { ...good, iat: nowS + 90 },
    nobody,
    anywhere,
    forever,
  ])
    assert.equal(await who(registry, { username: 'p', secret: await token(privateKey, claims) }), undefined, JSON.stringify(claims));
  assert.equal(await who(registry, { username: 'q', secret: await token(privateKey, { ...good, sub: 'q' }) }), undefined);
  const foreign = await token(generateKeyPairSync('ed25519').privateKey, good);
  assert.equal(await who(registry, { username: 'p', secret: foreign }), undefined);
  const [, body = ''] = foreign.split('.');
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.AA`;
  const hmac = await new SignJWT(good).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(text, 'base64url'));
  for (const forged of [unsigned, hmac]) assert.equal(await who(registry, { username: 'p', secret: forged }), undefined);
});

test('a public key is taken as PEM, JWK or base64url; a private key or another kind is not', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' });
  assert.equal(parsePublicKey(publicKey.export({ type: 'spki', format: 'pem' }) as string), x);
  assert.equal(parsePublicKey(JSON.stringify(publicKey.export({ format: 'jwk' }))), x);
  assert.equal(parsePublicKey(`${x}\n`), x);
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }) as string;
  for (const text of [privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, ec, '', '{', 'x'.repeat(5000)])
    assert.equal(parsePublicKey(text), undefined, text.slice(0, 40));
});

/** A TLS handshake with real certificates; what the server learns of its client. */
async function handshake(
  server: IssuedCertificate,
  trusted: string,
  client: IssuedCertificate,
): Promise<ReturnType<typeof peerIdentityOf>> {
  const listener = createServer({
    ...{ cert: server.certificate, key: server.privateKey, ca: trusted },
    ...{ requestCert: true, rejectUnauthorized: false },
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  // Who the server is, is no question here.
  const socket = connect({ port, host: '127.0.0.1', cert: client.certificate, key: client.privateKey, rejectUnauthorized: false });
  const [peer] = await accepted;
  const identity = peerIdentityOf(peer);
  socket.destroy();
  peer.destroy();
  listener.close();
  return identity;
}

test('a certificate over real TLS: by its fingerprint, or by its name when the agency has issued it; revoked ones by neither', async (t) => {
  const dirs = [mkdtempSync(join(tmpdir(), 'ca-')), mkdtempSync(join(tmpdir(), 'ca-'))] as const;
  t.after(() => dirs.map((dir) => rmSync(dir, { recursive: true })));
  await Promise.all(dirs.map((dir) => CertificateAuthority.create(dir, `CA of ${dir}`, NOW)));
  assert.equal(statSync(join(dirs[0], CA_KEY_FILE)).mode & 0o777, 0o600);
  await assert.rejects(CertificateAuthority.create(dirs[0], 'again', NOW), { code: 'CA_EXISTS' });
  const [own, agency] = await Promise.all(dirs.map((dir) => CertificateAuthority.open(dir)));
  assert.ok(own !== undefined && agency !== undefined);
  const [server, mine, second, theirs] = await Promise.all([
    own.issue('server', NOW),
    own.issue('p', NOW),
    own.issue('p', NOW),
    agency.issue('SN-17', NOW),
  ]);
  const trusted = dirs.map((dir) => readFileSync(join(dir, CA_CERTIFICATE_FILE), 'utf8')).join('');
  const peers = await Promise.all([mine, second, theirs].map((client) => handshake(server, trusted, client)));
  const [minePeer, secondPeer, theirPeer] = peers as PeerIdentity[];
  assert.deepEqual([minePeer?.commonName, minePeer?.fingerprint, theirPeer?.commonName], ['p', mine.fingerprint256, 'SN-17']);
  assert.equal(typeof (await handshake(server, readFileSync(join(dirs[0], CA_CERTIFICATE_FILE), 'utf8'), theirs)), 'string');

  const registry = registryOf(
    device('p', [
      { id: 'one', kind: 'certificate', fingerprint256: mine.fingerprint256, validFrom: 0 },
      { id: 'two', kind: 'certificate', fingerprint256: second.fingerprint256, validFrom: 0, validTo: NOW - 1 },
    ]),
    device('q', [{ id: 'cn', kind: 'certificate', commonName: 'SN-17', validFrom: 0 }]),
    // Named like the certificates of another device: that must not let them in here.
    device('r', [{ id: 'cn', kind: 'certificate', commonName: 'p', validFrom: 0 }]),
  );
  assert.equal(await who(registry, { peer: minePeer }), 'p by one');
  assert.equal(await who(registry, { username: 'p', peer: minePeer }), 'p by one');
  assert.equal(await who(registry, { peer: theirPeer }), 'q by cn');
  for (const login of [
    { username: 'q', peer: minePeer },
    { username: 'r', peer: minePeer },
    { peer: secondPeer },
    { username: 'r', peer: secondPeer },
  ])
    assert.equal(await who(registry, login), undefined);
  assert.equal(await who(registry, { username: 'p', secret: 'wrong', peer: minePeer }), undefined, 'a secret that is told must be right');
  registry.set({ ...(registry.get('p') as DeviceRecord), revoked: true });
  assert.equal(await who(registry, { peer: minePeer }), undefined);
});

test('a certificate is issued for the key of a request, if the request is signed by it', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'ca-'));
  t.after(() => rmSync(dir, { recursive: true }));
  await assert.rejects(CertificateAuthority.open(dir), { code: 'CA_MISSING' });
  await CertificateAuthority.create(dir, 'CA', NOW);
  const ca = await CertificateAuthority.open(dir);
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = (await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])) as Parameters<
    typeof Pkcs10CertificateRequestGenerator.create
  >[0]['keys'];
  const csr = (await Pkcs10CertificateRequestGenerator.create({ name: 'CN=whoever', keys, signingAlgorithm: algorithm })).toString('pem');
  const issued = await ca.issue('p', NOW, csr);
  assert.equal(issued.privateKey, undefined);
  assert.ok(issued.validTo > NOW + 365 * DAY_MS);
  const at = csr.indexOf('\n', 200) - 10;
  const damaged = `${csr.slice(0, at)}${csr[at] === 'A' ? 'B' : 'A'}${csr.slice(at + 1)}`;
  for (const text of [damaged, 'nothing', 'x'.repeat(20_000)]) await assert.rejects(ca.issue('p', NOW, text), { code: 'REQUEST_INVALID' });
});
