/** Another log under the same key: what a ledger that shows two histories publishes. */
import { createPrivateKey, sign } from 'node:crypto';
import {
  encodeBase64,
  formatCheckpoint,
  formatNote,
  formatVkey,
  leafHash,
  parseSigningKey,
  rootOfLeafHashes,
  TILE_WIDTH,
  tilePath,
  tilesForSize,
  vkeyOf,
} from '@airtight/tlog';

export interface SecondLog {
  readonly size: number;
  /** Base64. */
  readonly root: string;
  /** Signed note. */
  readonly checkpoint: string;
  readonly vkey: string;
  /** By path, as tlog-tiles names them. */
  readonly tiles: ReadonlyMap<string, Uint8Array>;
}

const HASH_BYTES = 32;
/** RFC 8410: PKCS #8 of an Ed25519 seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** @param keyLine content of the ledger's key file */
export function secondLog(keyLine: string, size: number): SecondLog {
  const parsed = parseSigningKey(keyLine);
  if (!parsed.ok) throw new Error(parsed.detail);
  const key = parsed.value;
  const levels: Buffer[] = [Buffer.concat(Array.from({ length: size }, (_, i) => leafHash(Buffer.from(`another entry ${i}`))))];
  for (let level = 0; (levels[level] as Buffer).length >= TILE_WIDTH * HASH_BYTES; level++) levels.push(above(levels[level] as Buffer));
  const tiles = new Map<string, Uint8Array>();
  for (const { level, index, width } of tilesForSize(size)) {
    const from = index * TILE_WIDTH * HASH_BYTES;
    tiles.set(tilePath(level, index, width), (levels[level] as Buffer).subarray(from, from + width * HASH_BYTES));
  }
  const root = rootOfLeafHashes(levels[0] as Buffer);
  const text = formatCheckpoint({ origin: key.name, size, root });
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, key.seed]), format: 'der', type: 'pkcs8' });
  const vkey = vkeyOf(key);
  const signature = new Uint8Array(sign(null, Buffer.from(text), privateKey));
  const checkpoint = formatNote(text, [{ name: key.name, keyId: vkey.keyId, signature }]);
  return { size, root: encodeBase64(root), checkpoint, vkey: formatVkey(vkey), tiles };
}

/** Roots of the full tiles of a level: the hashes of the level above. */
function above(hashes: Buffer): Buffer {
  const width = TILE_WIDTH * HASH_BYTES;
  const full = Math.floor(hashes.length / width);
  return Buffer.concat(Array.from({ length: full }, (_, i) => rootOfLeafHashes(hashes.subarray(i * width, (i + 1) * width))));
}
