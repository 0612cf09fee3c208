/** One verdict from both providers of signatures: noble, which browsers use, and OpenSSL, which services use. */
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import { hexToBytes, numberToBytesLE } from '@noble/curves/utils.js';
import { nobleAlgorithms, type VerifySignature } from './index.ts';

const openssl: VerifySignature = (publicKey, message, signature) => {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
  try {
    return verify(null, message, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature);
  } catch {
    return false;
  }
};

/** Order of the base point. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

function verdict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const [noble, node] = [nobleAlgorithms.ed25519(publicKey, message, signature), openssl(publicKey, message, signature)];
  assert.equal(noble, node, `noble ${noble}, OpenSSL ${node}: ${Buffer.from(signature).toString('hex')}`);
  return noble;
}

function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const at = Math.floor(bit / 8) % bytes.length;
  return bytes.map((byte, i) => (i === at ? byte ^ (1 << (bit % 8)) : byte));
}

test('signatures, and what a changed bit, another length or a malleated scalar makes of them', () => {
  for (let round = 0; round < 40; round++) {
    const seed = new Uint8Array(32).fill(round + 1);
    const publicKey = ed25519.getPublicKey(seed);
    const message = new Uint8Array(round * 7).fill(round);
    const signature = ed25519.sign(message, seed);
    assert.ok(verdict(publicKey, message, signature));
    assert.equal(verdict(publicKey, message, flipBit(signature, round * 13)), false);
    assert.equal(verdict(flipBit(publicKey, round * 6), message, signature), false);
    assert.equal(verdict(publicKey, Uint8Array.of(...message, 0), signature), false);
    assert.equal(verdict(publicKey, message, signature.subarray(1)), false);
    assert.equal(verdict(publicKey, message, Uint8Array.of(...signature, 0)), false);
    // RFC 8032 §5.1.7: S lies below L.
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`);
    const malleated = Uint8Array.of(...signature.subarray(0, 32), ...numberToBytesLE(s + L, 32));
    assert.equal(verdict(publicKey, message, malleated), false, 'S + L');
  }
});

test('the vectors of RFC 8032 §7.1', () => {
  const vectors = [
    [
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
    [
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ] as const;
  for (const [publicKey, message, signature] of vectors) {
    assert.ok(verdict(hexToBytes(publicKey), hexToBytes(message), hexToBytes(signature)));
  }
});

test('keys that are no points of the curve verify nothing', () => {
  const signature = ed25519.sign(new Uint8Array(3), new Uint8Array(32).fill(1));
  for (const fill of [2, 7, 0xff]) assert.equal(verdict(new Uint8Array(32).fill(fill), new Uint8Array(3), signature), false);
  assert.equal(verdict(new Uint8Array(31), new Uint8Array(3), signature), false);
});
