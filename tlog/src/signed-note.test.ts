/** Notes beyond the shared vectors: unknown keys, repeated lines, bytes that text decoders change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes } from '@noble/hashes/utils.js';
import {
  ED25519,
  formatNote,
  formatVkey,
  isKeyName,
  makeVkey,
  NOTE_MAX_SIGNATURES,
  type NoteSignature,
  openNote,
  parseNote,
  parseSigningKey,
  parseVkey,
  type Vkey,
} from './index.ts';

interface Signer {
  readonly vkey: Vkey;
  sign(text: string): NoteSignature;
}

function signer(name: string, fill: number): Signer {
  const seed = new Uint8Array(32).fill(fill);
  const vkey = makeVkey(name, ED25519, ed25519.getPublicKey(seed));
  return {
    vkey,
    sign: (text) => ({ name, keyId: vkey.keyId, signature: ed25519.sign(new TextEncoder().encode(text), seed) }),
  };
}

const alice = signer('alice.example/log', 7);
const other = signer('other.example/log', 8);

function open(note: string | Uint8Array, ...known: Vkey[]): string {
  const opened = openNote(typeof note === 'string' ? new TextEncoder().encode(note) : note, known);
  return opened.ok ? `verified ${opened.value.verified.length}` : opened.code;
}

test('unknown keys are ignored, also when they share name or key ID; known ones must verify', () => {
  const text = 'hello\n';
  const good = alice.sign(text);
  const bad = { ...good, signature: new Uint8Array(64) };
  assert.equal(open(formatNote(text, [good]), alice.vkey), 'verified 1');
  assert.equal(open(formatNote(text, [other.sign(text), good]), alice.vkey), 'verified 1');
  assert.equal(open(formatNote(text, [{ ...bad, keyId: 1 }, good]), alice.vkey), 'verified 1');
  assert.equal(open(formatNote(text, [{ ...bad, name: 'bob.example/log' }, good]), alice.vkey), 'verified 1');
  assert.equal(open(formatNote(text, [other.sign(text)]), alice.vkey), 'NOTE_UNSIGNED');
  assert.equal(open(formatNote(text, [bad]), alice.vkey), 'NOTE_SIGNATURE_INVALID');
  assert.equal(open(formatNote(text, [other.sign(text), bad]), alice.vkey, other.vkey), 'NOTE_SIGNATURE_INVALID');
  assert.equal(open(formatNote(text, [good, good]), alice.vkey), 'verified 1', 'a repeated line counts once');
  assert.equal(open(formatNote(text, [good, other.sign(text)]), alice.vkey, other.vkey), 'verified 2');
  assert.equal(open(formatNote(text, [good]).replace('hello', 'hallo'), alice.vkey), 'NOTE_SIGNATURE_INVALID');
});

test('signatures are over the bytes: a byte order mark is part of the text', () => {
  const text = '\ufeffhello\n';
  const note = formatNote(text, [alice.sign(text)]);
  assert.equal(open(note, alice.vkey), 'verified 1');
  assert.equal(open(note.slice(1), alice.vkey), 'NOTE_SIGNATURE_INVALID');
});

test('malformed notes', () => {
  const line = formatNote('', [alice.sign('hello\n')]).slice(1);
  const malformed: (string | Uint8Array)[] = [
    '',
    '\n',
    '\n\n',
    'hello\n',
    'hello\n\n',
    `hello\n${line}`,
    `hello\n\n${line}\n`,
    `hello\n\n${line.slice(0, -1)}`,
    `hello\n\n${line}not a signature\n`,
    `hello\n\n${line.replace(' alice', '  alice')}`,
    `hello\n\n${line.replace('alice', 'al+ice')}`,
    `hello\n\n${line.replace('alice', 'al\u2003ice')}`,
    `hello\n\n— alice.example/log AAAAAA==\n`,
    `hello\t\n\n${line}`,
    `hello\n\n${line.repeat(NOTE_MAX_SIGNATURES + 1)}`,
    concatBytes(Uint8Array.of(0xff), new TextEncoder().encode(`hello\n\n${line}`)),
  ];
  for (const note of malformed) assert.equal(open(note, alice.vkey), 'NOTE_MALFORMED', JSON.stringify(note));
  assert.ok(parseNote(new TextEncoder().encode(`hello\n\n${line.repeat(NOTE_MAX_SIGNATURES)}`)).ok);
});

test('verifier keys: every changed character is refused; the key may hold plus signs', () => {
  const text = formatVkey(alice.vkey);
  for (let at = 0; at < text.length; at++) {
    const changed = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
    assert.equal(parseVkey(changed).ok, false, changed);
  }
  const withPlus = Array.from({ length: 50 }, (_, i) => signer('plus.example', i)).find(
    ({ vkey }) => formatVkey(vkey).split('+').length > 3,
  );
  assert.ok(withPlus && parseVkey(formatVkey(withPlus.vkey)).ok);
  for (const bad of ['', '+', '++', 'name', 'name+00000000', 'name+00000000+AQ==', `${text}=`, text.replace('+', '+0')]) {
    assert.equal(parseVkey(bad).ok, false, bad);
  }
});

test('a signing key that cannot be read does not show itself', () => {
  const secret = 'PRIVATE+KEY+alice.example+00000000+AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB';
  const refused = parseSigningKey(secret);
  assert.equal(refused.ok, false);
  assert.ok(!JSON.stringify(refused).includes('AQEBAQ'));
});

test('key names', () => {
  for (const name of ['a', 'example.com/log', '北京.example/账本']) assert.ok(isKeyName(name), name);
  for (const name of ['', 'a b', 'a+b', 'a\u00a0b', 'a\u0085b', 'a\nb', '\ud800']) assert.ok(!isKeyName(name), JSON.stringify(name));
});
