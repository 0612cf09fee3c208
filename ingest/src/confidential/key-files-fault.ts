/** The key files as a whole: also keys that no stored record needs any more must be as they were written. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AirtightError } from '@airtight/protocol';
import { keyFilePath } from './key-file.ts';
import { KEY_BYTES, unwrapKey, type WrappedKey } from './wrapped-key.ts';

/**
 * Unwraps every key, and holds every line against the way it is written. A line that a crash cut short is no fault:
 * a record that would need it is told of by `commitmentFault`.
 * @param dir the folder `keys/salts`, which need not be there
 * @returns the first file in it that was changed, and what is wrong with it
 */
export function keyFilesFault(dir: string): { readonly file: string; readonly detail: string } | undefined {
  const days = existsSync(dir) ? readdirSync(dir).flatMap((name) => (name.endsWith('.keys') ? [name.slice(0, -'.keys'.length)] : [])) : [];
  const masterPath = join(dir, 'master.key');
  if (!existsSync(masterPath))
    return days.length === 0 ? undefined : { file: 'master.key', detail: 'missing, but there are keys that it has wrapped' };
  const text = readFileSync(masterPath, 'latin1');
  const master = Buffer.from(text, 'base64');
  if (master.length !== KEY_BYTES || text !== `${master.toString('base64')}\n`)
    return { file: 'master.key', detail: `not the base64 line of a key of ${KEY_BYTES} bytes` };
  for (const day of days.sort()) {
    const detail = dayFault(dir, day, master);
    if (detail !== undefined) return { file: `${day}.keys`, detail };
  }
  return undefined;
}

function dayFault(dir: string, day: string, master: Buffer): string | undefined {
  const lines = readFileSync(keyFilePath(dir, day), 'latin1').split('\n');
  lines.pop();
  for (const [at, line] of lines.entries()) {
    const detail = lineFault(line, day, master);
    if (detail !== undefined) return `line ${at + 1}: ${detail}`;
  }
  return undefined;
}

function lineFault(line: string, day: string, master: Buffer): string | undefined {
  try {
    const key = JSON.parse(line) as WrappedKey;
    if (JSON.stringify(key) !== line) return 'not written as usual';
    unwrapKey(key, day, master);
    return undefined;
  } catch (error) {
    return error instanceof AirtightError ? `${error.detail} cannot be unwrapped` : 'no key';
  }
}
