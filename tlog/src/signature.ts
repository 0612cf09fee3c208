/** Signature verification as it is injected: noble here, KeyObjects of node:crypto in a service. */
import { ed25519 } from '@noble/curves/ed25519.js';

/** True when `signature` is that of `message` under `publicKey`; false for anything else, malformed input included. */
export type VerifySignature = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

export interface SignatureAlgorithms {
  readonly ed25519: VerifySignature;
  /** FIPS 204, empty context. Without it, ML-DSA-44 keys are unknown keys: their signatures are ignored. */
  readonly mlDsa44?: VerifySignature;
}

/** RFC 8032 as Go and OpenSSL check it; noble's default, ZIP 215, would accept some encodings that they refuse. */
export const nobleAlgorithms: SignatureAlgorithms = {
  ed25519: (publicKey, message, signature) => {
    try {
      return ed25519.verify(signature, message, publicKey, { zip215: false });
    } catch {
      return false;
    }
  },
};

/** The public half of a private key (RFC 8032 §5.1.5). @param seed 32 bytes */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed);
}

/** 64 bytes. Where a person signs in a browser; a service signs with node:crypto. */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed);
}
