/** Passwords: memory-hard hashes as `sys.users` keeps them, and generated ones. */
import { randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto';

/** OWASP's scrypt setting N = 2^17, r = 8, p = 1 takes 128 MiB per guess. */
const COST = 131_072;
const BLOCK_SIZE = 8;
const PARALLELIZATION = 1;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** A stored hash may ask for no more than this: 256 MiB. */
const MEMORY_MAX_BYTES = 256 * 1024 * 1024;
/** Letters and digits that are not mistaken for each other when read aloud or copied by hand. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
/** 5 groups of 4 out of 31 characters: 99 bits. */
const GROUPS = 5;
const GROUP_LENGTH = 4;
/** Longer texts are no passwords: scrypt would hash them all the same. */
export const PASSWORD_MAX_LENGTH = 256;

/** One hash at a time: each takes a good part of a second and 128 MiB. */
let hashing: Promise<unknown> = Promise.resolve();

export function generatePassword(): string {
  const group = () => Array.from({ length: GROUP_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return Array.from({ length: GROUPS }, group).join('-');
}

/** `scrypt$N$r$p$salt$hash`, base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, { N: COST, r: BLOCK_SIZE, p: PARALLELIZATION, keyBytes: KEY_BYTES });
  return ['scrypt', COST, BLOCK_SIZE, PARALLELIZATION, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/** True when the password gives the stored hash. A hash that cannot be read fits no password. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [scheme, n, r, p, salt = '', hash = ''] = stored.split('$');
  const cost = { N: Number(n), r: Number(r), p: Number(p) };
  const expected = Buffer.from(hash, 'base64url');
  const readable =
    scheme === 'scrypt' && Object.values(cost).every((value) => Number.isSafeInteger(value) && value > 0) && expected.length >= 16;
  if (!readable || 128 * cost.N * cost.r > MEMORY_MAX_BYTES || cost.p > 16) return false;
  const key = await derive(password, Buffer.from(salt, 'base64url'), { ...cost, keyBytes: expected.length });
  return timingSafeEqual(key, expected);
}

function derive(
  password: string,
  salt: Buffer,
  cost: { readonly N: number; readonly r: number; readonly p: number; readonly keyBytes: number },
): Promise<Buffer> {
  const { N, r, p, keyBytes } = cost;
  const run = () =>
    new Promise<Buffer>((resolve, reject) => {
      scrypt(password, salt, keyBytes, { N, r, p, maxmem: 2 * MEMORY_MAX_BYTES }, (error, key) => (error ? reject(error) : resolve(key)));
    });
  const result = hashing.then(run, run);
  hashing = result.catch(() => undefined);
  return result;
}
