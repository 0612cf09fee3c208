/**
 * Salts of a key: the salt of leaf i of the record at a position is block i of the AES-256-CTR key stream (NIST SP 800-38A
 * §6.5) that begins at the counter block position (u64be) ‖ 0 (u64be). So nothing is stored for a reading, and any salt can
 * be made without the others.
 */
import { type Cipheriv, createCipheriv } from 'node:crypto';
import { FIELD_TREE_MAX_LEAVES, SALT_BYTES } from '@airtight/tlog';

const TWO_TO_32 = 0x1_0000_0000;
/** Counter blocks; only the position in them changes from record to record. */
const counters = Buffer.alloc(FIELD_TREE_MAX_LEAVES * SALT_BYTES);
for (let i = 0; i < FIELD_TREE_MAX_LEAVES; i++) counters.writeUInt32BE(i, i * SALT_BYTES + 12);

export class SaltStream {
  /** §6.5: a block of the stream is the forward cipher of its counter block. Kept, because making a cipher costs more than its salts. */
  readonly #cipher: Cipheriv;

  /** @param key 32 bytes */
  constructor(key: Uint8Array) {
    this.#cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  }

  /** Salts of the leaves of the record at a position, SALT_BYTES each. */
  saltsOf(position: number, leaves: number): Buffer {
    const high = Math.floor(position / TWO_TO_32);
    for (let at = 0; at < leaves * SALT_BYTES; at += SALT_BYTES) {
      counters.writeUInt32BE(high, at);
      counters.writeUInt32BE(position % TWO_TO_32, at + 4);
    }
    return this.#cipher.update(counters.subarray(0, leaves * SALT_BYTES));
  }
}
