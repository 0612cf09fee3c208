import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeRecord, type RecordHeader } from '../records/record.ts';
import {
  decodePublicKey,
  parseSignatureHeader,
  signatureLine,
  signedMessage,
  splitSignature,
  verifyDeviceSignature,
} from './device-signature.ts';

const payload = Buffer.from('{"t":1735689600000,"m":{"pm25":35.4}}');
const place = { agency: 'a', dataset: 'air', producer: 'p' };
const header: RecordHeader = { v: 1, ...place, receivedAt: 1, door: 'mqtt', contentType: 'application/json' };
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const rawOf = (key: KeyObject): Uint8Array => decodePublicKey(key.export({ format: 'jwk' }).x as string) as Uint8Array;
const signatureOf = (of: typeof place, bytes: Uint8Array, key = privateKey) => ({
  kid: '0123456789abcdef',
  sig: sign(null, signedMessage(of, bytes), key).toString('base64url'),
});

test('the signature line is taken off the message, and nothing else is', () => {
  const signature = signatureOf(place, payload);
  const message = Buffer.concat([payload, Buffer.from(signatureLine(signature))]);
  assert.deepEqual(splitSignature(message), { payload, signature });
  for (const text of [
    '',
    '\n.sig',
    `${payload}`,
    `${message}\n`,
    `${message}`.replace('.sig', '.sip'),
    `${message}`.replace('0123456789abcdef', '0123456789ABCDEF'),
    `${payload}\n.sig 0123456789abcdef ${'='.repeat(86)}`,
  ]) {
    const whole = Buffer.from(text);
    assert.deepEqual(splitSignature(whole), { payload: whole }, text.slice(-130));
  }
});

test('the header of an upload says the same', () => {
  const { kid, sig } = signatureOf(place, payload);
  assert.deepEqual(parseSignatureHeader(`kid=${kid}, sig=${sig}`), { kid, sig });
  for (const field of ['', `kid=${kid}`, `sig=${sig}, kid=${kid}`, `kid=${kid}, sig=${sig}x`])
    assert.equal(parseSignatureHeader(field), undefined);
});

test('a signature holds for this payload, at this place, by this key alone', () => {
  const signature = signatureOf(place, payload);
  const check = (change: Partial<RecordHeader>, bytes: Uint8Array = payload, key = publicKey): boolean =>
    verifyDeviceSignature({ ...header, signature, ...change }, bytes, rawOf(key));
  assert.equal(check({}), true);
  assert.equal(check({ receivedAt: 2, door: 'http' }), true, 'what the platform adds is not the device’s to sign');
  for (const other of [{ agency: 'b' }, { dataset: 'coldchain' }, { producer: 'q' }]) assert.equal(check(other), false);
  assert.equal(check({}, Buffer.from(`${payload} `)), false);
  assert.equal(check({}, payload, generateKeyPairSync('ed25519').publicKey), false);
  const bytes = Buffer.from(signature.sig, 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit += 7) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.equal(check({ signature: { ...signature, sig: flipped.toString('base64url') } }), false, `bit ${bit}`);
  }
});

test('the signed record of the published vectors verifies with noble and with node:crypto', () => {
  const vectors = JSON.parse(readFileSync(new URL('../../../docs/reference/record-vectors.json', import.meta.url), 'utf8'));
  const { record, publicKey: key, signedMessage: message } = vectors.signedRecord;
  const decoded = decodeRecord(Buffer.from(record, 'hex'));
  assert.ok(decoded.ok);
  const { header: signed, payload: sent } = decoded.value;
  assert.equal(Buffer.from(signedMessage(signed, sent)).toString('hex'), message);
  assert.equal(verifyDeviceSignature(signed, sent, decodePublicKey(key) as Uint8Array), true);
  const keyObject = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' });
  const sig = Buffer.from(signed.signature?.sig as string, 'base64url');
  assert.equal(verify(null, Buffer.from(message, 'hex'), keyObject, sig), true);
});
