/** Reading the JSON of proof files: every field is checked, and an error names the field that is wrong. */
import { decodeBase64 } from './base64.ts';
import { HASH_BYTES } from './sha256.ts';
import { type Fault, fail, pass, type Verdict } from './verdict.ts';

/** Ends the reading of nested fields; readBundleFields makes a verdict of it. */
class WrongField extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.detail);
    this.fault = fault;
  }
}

/** To be thrown inside readBundleFields. */
export function wrong(field: string, what: string): Error {
  return new WrongField(fail('BUNDLE_MALFORMED', `${field}: ${what}`));
}

/**
 * Reads a text as JSON and its fields by `read`.
 * @param read throws what `wrong` makes
 * @returns BUNDLE_MALFORMED
 */
export function readBundleFields<T>(text: string, maxCharacters: number, read: (json: unknown) => T): Verdict<T> {
  if (text.length > maxCharacters) return fail('BUNDLE_MALFORMED', `longer than ${maxCharacters} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return fail('BUNDLE_MALFORMED', error instanceof Error ? error.message : 'not JSON');
  }
  try {
    return pass(read(json));
  } catch (error) {
    if (error instanceof WrongField) return error.fault;
    throw error;
  }
}

/** An object with none but these keys. */
export function fieldsOf<K extends string>(json: unknown, field: string, keys: readonly K[]): { readonly [key in K]?: unknown } {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) throw wrong(field, 'not an object');
  const unknown = Object.keys(json).find((key) => !keys.some((known) => known === key));
  if (unknown !== undefined) throw wrong(field, `unknown key ${JSON.stringify(unknown.slice(0, 40))}`);
  return json as { readonly [key in K]?: unknown };
}

export function toOrdinal(json: unknown, field: string): number {
  if (!Number.isSafeInteger(json) || (json as number) < 0) throw wrong(field, 'not a whole number from 0');
  return json as number;
}

export function toBytes(json: unknown, field: string): Uint8Array {
  const bytes = typeof json === 'string' ? decodeBase64(json) : null;
  if (bytes === null) throw wrong(field, 'not base64');
  return bytes;
}

export function toHash(json: unknown, field: string): Uint8Array {
  const hash = toBytes(json, field);
  if (hash.length !== HASH_BYTES) throw wrong(field, `${hash.length} bytes, not ${HASH_BYTES}`);
  return hash;
}

export function toHashes(json: unknown, field: string, max: number): Uint8Array[] {
  if (!Array.isArray(json) || json.length > max) throw wrong(field, `not a list of at most ${max} hashes`);
  return json.map((item, at) => toHash(item, `${field}[${at}]`));
}

/** A list of `min` to `max` items. */
export function toList(json: unknown, field: string, min: number, max: number): readonly unknown[] {
  if (!Array.isArray(json) || json.length < min || json.length > max) throw wrong(field, `not a list of ${min} to ${max}`);
  return json;
}

/** Fingerprint of a policy. */
export function toFingerprint(json: unknown): string {
  if (typeof json !== 'string' || !/^[0-9a-f]{64}$/.test(json)) throw wrong('policy', 'not 64 hexadecimal digits');
  return json;
}
