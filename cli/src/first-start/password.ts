/** Generated passwords, and their hashes as `sys.users` keeps them. */
import { randomBytes, randomInt, scrypt } from 'node:crypto';

/** Letters and digits that are not mistaken for each other when read aloud or copied by hand. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
/** 5 groups of 4 out of 31 characters: 99 bits. */
const GROUPS = 5;
const GROUP_LENGTH = 4;
/** OWASP's scrypt setting: N = 2^17, r = 8, p = 1, 128 MiB for each guess. */
const COST = 131_072;
const BLOCK_SIZE = 8;
const PARALLELIZATION = 1;
const KEY_BYTES = 32;
const SALT_BYTES = 16;

export function generatePassword(): string {
  const group = () => Array.from({ length: GROUP_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return Array.from({ length: GROUPS }, group).join('-');
}

/** `scrypt$N$r$p$salt$hash`, base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const options = { N: COST, r: BLOCK_SIZE, p: PARALLELIZATION, maxmem: 256 * COST * BLOCK_SIZE };
  const key = await new Promise<Buffer>((resolve, reject) => {
    scrypt(password, salt, KEY_BYTES, options, (error, derived) => (error ? reject(error) : resolve(derived)));
  });
  return ['scrypt', COST, BLOCK_SIZE, PARALLELIZATION, salt.toString('base64url'), key.toString('base64url')].join('$');
}
