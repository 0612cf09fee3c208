/**
 * What a witness must never forget: for each log the latest checkpoint that it cosigned. One file per log,
 * `<hex SHA-256 of the origin>/checkpoint`, the checkpoint with the log's signatures and its own cosignature; any web
 * server can serve it to monitors. The file is durable before the cosignature leaves the process.
 *
 * `vkeys` lists every key that has cosigned here. It is what tells an empty memory from a lost one.
 */
import { formatNote, formatVkey, type NoteSignature, openNote, originHash, parseCheckpoint, parseVkey, type Vkey } from '@airtight/tlog';
import { LedgerError } from '../ledger-error.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';
import type { DurableFiles } from '../storage/durable-files.ts';
import type { KnownLog, KnownLogs } from './known-logs.ts';
import type { WrongFile } from './witness-folder.ts';
import type { WitnessKey } from './witness-key.ts';

const VKEYS_FILE = 'vkeys';

export interface CosignedCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
  /** With the log's signatures and the cosignature. */
  readonly note: string;
  readonly cosignature: NoteSignature;
  /** POSIX seconds of the cosignature. */
  readonly timeS: number;
}

export class CosignedCheckpoints {
  readonly #files: DurableFiles;
  readonly #latest: Map<string, CosignedCheckpoint>;

  /** For openCosignedCheckpoints. */
  constructor(files: DurableFiles, latest: Map<string, CosignedCheckpoint>) {
    this.#files = files;
    this.#latest = latest;
  }

  latest(origin: string): CosignedCheckpoint | undefined {
    return this.#latest.get(origin);
  }

  /** Resolves when the checkpoint is durable; only then may the cosignature be given out. Not twice at a time for one log. */
  async replace({ origin, hash }: KnownLog, next: CosignedCheckpoint): Promise<void> {
    await this.#files.write([{ path: `${hash}/checkpoint`, bytes: Buffer.from(next.note) }]);
    this.#latest.set(origin, next);
  }
}

/**
 * Reads what was cosigned, and holds each file against the keys that may have cosigned it.
 * @param isNewKey true when the key has never cosigned: only then may there be nothing yet
 * @throws LedgerError WITNESS_STATE_INVALID when files are missing or were changed: a witness that begins anew under an
 *   old key would cosign a second history
 */
export async function openCosignedCheckpoints(
  files: DurableFiles,
  key: WitnessKey,
  logs: KnownLogs,
  isNewKey: boolean,
): Promise<CosignedCheckpoints> {
  const vkeys = await readVkeys(files);
  const own = formatVkey(key.vkey);
  if (!vkeys.some((vkey) => formatVkey(vkey) === own)) {
    if (!isNewKey) throw new LedgerError('WITNESS_STATE_INVALID', `${own} has cosigned, and what it cosigned is not there`);
    vkeys.push(key.vkey);
    const text = vkeys.map((vkey) => `${formatVkey(vkey)}\n`).join('');
    await files.write([{ path: VKEYS_FILE, bytes: Buffer.from(text) }]);
  }
  const latest = new Map<string, CosignedCheckpoint>();
  for (const log of logs.values()) {
    const { origin, hash } = log;
    const bytes = await files.read(`${hash}/checkpoint`);
    if (bytes === null) continue;
    const cosigned = readCosigned(bytes, vkeys, log.vkeys, `${hash}/checkpoint`);
    if (cosigned.origin !== origin)
      throw new LedgerError('WITNESS_STATE_INVALID', `${hash}/checkpoint: a checkpoint of ${cosigned.origin}`);
    latest.set(origin, cosigned);
  }
  return new CosignedCheckpoints(files, latest);
}

/**
 * Cosigned checkpoints that are none: changed, or not cosigned by a key of this witness.
 * @param logs keys of logs whose signatures are checked too
 */
export async function findWrongCosigned(files: DurableFiles, logs: readonly Vkey[]): Promise<readonly WrongFile[]> {
  const wrong: WrongFile[] = [];
  const check = async (path: string, read: () => Promise<unknown>): Promise<void> => {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      wrong.push({ path, detail: error.detail });
    }
  };
  let vkeys: readonly Vkey[] = [];
  await check(VKEYS_FILE, async () => {
    vkeys = await readVkeys(files);
  });
  const folders = (await files.list('.')).filter((name) => /^[0-9a-f]{64}$/.test(name));
  for (const hash of folders) {
    const path = `${hash}/checkpoint`;
    await check(path, async () => {
      const { origin } = readCosigned((await files.read(path)) ?? new Uint8Array(0), vkeys, logs, path);
      if (originHash(origin) !== hash) throw new LedgerError('WITNESS_STATE_INVALID', `${path}: a checkpoint of ${origin}`);
    });
  }
  return wrong;
}

async function readVkeys(files: DurableFiles): Promise<Vkey[]> {
  const lines = Buffer.from((await files.read(VKEYS_FILE)) ?? [])
    .toString()
    .split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const vkey = parseVkey(line);
      if (!vkey.ok) throw new LedgerError('WITNESS_STATE_INVALID', `${VKEYS_FILE}: ${vkey.detail}`);
      return vkey.value;
    });
}

/** @param logKeys a signature of one of these must hold; a log may have signed with a key that it has no longer */
function readCosigned(
  bytes: Uint8Array,
  vkeys: readonly Vkey[],
  logKeys: readonly Vkey[],
  path: string,
): CosignedCheckpoint & { readonly origin: string } {
  const opened = openNote(bytes, [...vkeys, ...logKeys], nodeAlgorithms);
  if (!opened.ok) throw new LedgerError('WITNESS_STATE_INVALID', `${path}: ${opened.code}: ${opened.detail}`);
  const checkpoint = parseCheckpoint(opened.value.text);
  if (!checkpoint.ok) throw new LedgerError('WITNESS_STATE_INVALID', `${path}: ${checkpoint.code}: ${checkpoint.detail}`);
  const own = opened.value.verified.find(({ vkey }) => vkeys.includes(vkey));
  if (own === undefined) throw new LedgerError('WITNESS_STATE_INVALID', `${path}: no cosignature of this witness`);
  const { vkey, time: timeS = 0 } = own;
  const cosignature = opened.value.signatures.find(({ name, keyId }) => name === vkey.name && keyId === vkey.keyId) as NoteSignature;
  const { origin, size, root } = checkpoint.value;
  // What is kept are the log's signatures, under its own name, and the cosignature.
  const stranger = opened.value.signatures.find(({ name }) => name !== origin && vkeys.every((key) => key.name !== name));
  if (stranger !== undefined) throw new LedgerError('WITNESS_STATE_INVALID', `${path}: a signature of ${stranger.name}`);
  return { origin, size, root, note: Buffer.from(bytes).toString(), cosignature, timeS };
}

/** @param logSignatures the log's own, as they came */
export function cosignedCheckpoint(
  key: WitnessKey,
  checkpoint: { readonly size: number; readonly root: Uint8Array; readonly text: string; readonly textBytes: Uint8Array },
  logSignatures: readonly NoteSignature[],
  timeS: number,
): CosignedCheckpoint {
  const cosignature = key.cosign(checkpoint.textBytes, timeS);
  const note = formatNote(checkpoint.text, [...logSignatures, cosignature]);
  return { size: checkpoint.size, root: checkpoint.root, note, cosignature, timeS };
}
