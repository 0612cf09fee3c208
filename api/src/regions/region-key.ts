/**
 * The key with which this region signs for others: alerts, receipts, acknowledgements. Never the ledger's: what it signs are
 * checkpoints alone. One line, `PRIVATE+KEY+name+id+base64`, as Go's note package writes it.
 */
import { createPrivateKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AirtightError, type RegionNote, type RegionNoteKind, regionNoteText } from '@airtight/protocol';
import { ED25519, formatNote, formatSigningKey, formatVkey, isKeyName, parseSigningKey, type Vkey, vkeyOf } from '@airtight/tlog';

const SEED_BYTES = 32;
/** PKCS #8 of an Ed25519 key (RFC 8410) is this prefix and the 32 bytes of the seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export class RegionKey {
  readonly vkey: Vkey;
  readonly #privateKey: KeyObject;

  constructor(vkey: Vkey, privateKey: KeyObject) {
    this.vkey = vkey;
    this.#privateKey = privateKey;
  }

  /** The same note for the same content: Ed25519 signs deterministically (RFC 8032). */
  sign<K extends RegionNoteKind>(kind: K, value: RegionNote<K>): string {
    const text = regionNoteText(kind, value);
    const { name, keyId } = this.vkey;
    return formatNote(text, [{ name, keyId, signature: sign(null, Buffer.from(text), this.#privateKey) }]);
  }
}

/**
 * The key of this name, made where there is none; its verifier key lies beside it in `region.vkey`.
 * @param dataDir the folder is `keys/channels/` in it
 * @throws AirtightError CONFIG_INVALID for a file that is another's key, none at all, or readable by others
 */
export function loadRegionKey(dataDir: string, name: string): RegionKey {
  if (!isKeyName(name)) throw new AirtightError('CONFIG_INVALID', `regionName: not a key name: ${JSON.stringify(name)}`);
  const dir = join(dataDir, 'keys', 'channels');
  const path = join(dir, 'region.key');
  if (!existsSync(path)) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const line = formatSigningKey({ name, type: ED25519, seed: randomBytes(SEED_BYTES) });
    writeFileSync(`${path}.new`, `${line}\n`, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  }
  if ((statSync(path).mode & 0o077) !== 0) throw new AirtightError('CONFIG_INVALID', `${path}: others have access to it: chmod 600`);
  const parsed = parseSigningKey(readFileSync(path, 'utf8').trimEnd());
  if (!parsed.ok) throw new AirtightError('CONFIG_INVALID', `${path}: ${parsed.detail}`);
  const { value: key } = parsed;
  if (key.name !== name || key.type !== ED25519)
    throw new AirtightError('CONFIG_INVALID', `${path}: the key of ${key.name}, type ${key.type}; regionName is ${name}`);
  const vkey = vkeyOf(key);
  writeFileSync(join(dir, 'region.vkey'), `${formatVkey(vkey)}\n`, { flush: true });
  return new RegionKey(vkey, createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, key.seed]), format: 'der', type: 'pkcs8' }));
}
