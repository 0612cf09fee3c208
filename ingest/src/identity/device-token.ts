/**
 * A device's own token: a JWT (RFC 7519) that it signs with its Ed25519 key (EdDSA, RFC 8037 §3.1) and sends in place of
 * a password. Its key never leaves the device.
 */
import type { KeyCredential } from '@airtight/protocol';
import { decodeJwt, errors, jwtVerify } from 'jose';
import { keyObjectOf } from './ed25519-key.ts';

/** A device makes itself a new one before this has passed: what leaks is worth something for a day at most. */
export const TOKEN_LIFE_MAX_S = 24 * 3600;
/** Between the clocks of device and service. */
export const CLOCK_LEEWAY_S = 60;
const TOKEN_MAX_LENGTH = 2048;
/** Header beginning with `{"`, three parts. */
const TOKEN = /^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Whether a secret has the form of a token; a generated password never has. */
export function isToken(secret: string): boolean {
  return secret.length <= TOKEN_MAX_LENGTH && TOKEN.test(secret);
}

/** Whom a token claims to be of; not verified. */
export function claimedSubject(token: string): string | undefined {
  try {
    return isToken(token) ? decodeJwt(token).sub : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Checks `alg` (EdDSA alone), signature, `sub`, `aud`, `exp` (at most 24 h away), `nbf` and `iat`.
 * @param now epoch ms
 * @returns epoch ms at which the token ends, leeway included; undefined when it does not count
 */
export async function verifyToken(
  token: string,
  credential: KeyCredential,
  expected: { readonly producer: string; readonly audience: string },
  now: number,
): Promise<number | undefined> {
  try {
    const { payload } = await jwtVerify(token, keyObjectOf(credential), {
      algorithms: ['EdDSA'],
      subject: expected.producer,
      audience: expected.audience,
      requiredClaims: ['sub', 'aud', 'exp'],
      clockTolerance: CLOCK_LEEWAY_S,
      currentDate: new Date(now),
    });
    const { exp = 0, iat = 0 } = payload;
    const nowS = now / 1000;
    if (exp > nowS + TOKEN_LIFE_MAX_S + CLOCK_LEEWAY_S || iat > nowS + CLOCK_LEEWAY_S) return undefined;
    return (exp + CLOCK_LEEWAY_S) * 1000;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
