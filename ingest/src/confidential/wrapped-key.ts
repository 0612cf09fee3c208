/**
 * Keys of salts as they lie on the disk: wrapped by AES-256-GCM (NIST SP 800-38D) under the master key, bound to whom, which
 * day and from which record on they are for, so that none can be put in the place of another.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AirtightError } from '@airtight/protocol';

export const KEY_BYTES = 32;
/** SP 800-38D §5.2.1.1: 96 bits are recommended. Random ones: of 2^32 keys two share one with a chance of 2^-33. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** One line of a key file. */
export interface WrappedKey {
  readonly producer: string;
  /** Journal position of the first record that may use it. */
  readonly from: number;
  /** Base64 of nonce ‖ wrapped key ‖ tag. */
  readonly key: string;
}

export function wrapKey(key: Uint8Array, producer: string, day: string, from: number, master: Uint8Array): WrappedKey {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', master, nonce).setAAD(boundTo(producer, day, from));
  const wrapped = Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
  return { producer, from, key: wrapped.toString('base64') };
}

/** @throws AirtightError SALTS_UNREADABLE when it was changed, or is not wrapped under this master key */
export function unwrapKey({ producer, from, key }: WrappedKey, day: string, master: Uint8Array): Buffer {
  const wrapped = Buffer.from(key, 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', master, wrapped.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(producer, day, from)).setAuthTag(wrapped.subarray(-TAG_BYTES));
    const opened = Buffer.concat([decipher.update(wrapped.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    if (opened.length === KEY_BYTES) return opened;
  } catch {
    // Told below.
  }
  throw new AirtightError('SALTS_UNREADABLE', `the key of ${producer} for ${day} from record ${from} on`);
}

function boundTo(producer: string, day: string, from: number): Buffer {
  return Buffer.from(`airtight-salts-v1\n${producer}\n${day}\n${from}`);
}
