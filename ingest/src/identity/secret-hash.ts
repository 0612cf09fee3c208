/**
 * Device secrets at rest: scrypt, memory-hard. Secrets that we generate have 192 random bits, which no hash needs to
 * stretch; the parameters are small so that thousands of devices can reconnect within seconds after a restart.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** 2^11 × 8 × 128 B = 2 MiB and some 5 ms for each check. */
const COST = 2048;
/** 32 MiB and some 80 ms: a monitor's six digits can be guessed by who has the hash, and are checked once a connection. */
export const SHORT_SECRET_COST = 32_768;
const BLOCK_SIZE = 8;
const PARALLELIZATION = 1;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const SECRET_BYTES = 24;
/** Bounds for what a stored hash may ask of us. */
const COST_MAX = 1 << 17;

export function generateSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** `scrypt$N$r$p$salt$hash`, base64url. @param cost N */
export async function hashSecret(secret: string, cost = COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(secret, salt, cost, BLOCK_SIZE, PARALLELIZATION);
  return `scrypt$${cost}$${BLOCK_SIZE}$${PARALLELIZATION}$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

/** Compares in constant time; false for a hash that cannot be read. */
export async function verifySecret(secret: string, stored: string): Promise<boolean> {
  const [scheme, n, r, p, salt, key] = stored.split('$');
  const cost = Number(n);
  if (scheme !== 'scrypt' || salt === undefined || key === undefined || !(cost > 1 && cost <= COST_MAX)) return false;
  const expected = Buffer.from(key, 'base64url');
  const actual = await derive(secret, Buffer.from(salt, 'base64url'), cost, Number(r), Number(p));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function derive(secret: string, salt: Buffer, N: number, r: number, p: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, KEY_BYTES, { N, r, p, maxmem: 256 * N * r }, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
