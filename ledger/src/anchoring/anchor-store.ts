/**
 * What was anchored, under `anchors/` in the log's folder, and what is on its way:
 *
 *   <size>/checkpoint   the signed note that was anchored
 *   <size>/<sink>       the receipt
 *   index               a line for each receipt, oldest first: size, sink, kind, RFC 3339 of its coming, SHA-256 of the file
 *                       of its checkpoint and of its own, with a space between
 *   .state/<sink>       the outbox: the checkpoint that the sink took last (JSON); not served
 *
 * A checkpoint stands in the outbox before it is brought anywhere, and its receipt is durable before the index names it. So
 * nothing that was begun is forgotten; what a crash interrupts is done again.
 */
import { hash } from 'node:crypto';
import { ANCHOR_KINDS, type AnchorKind, SINK_NAME } from '@airtight/tlog';
import { LedgerError } from '../ledger-error.ts';
import { type DurableFiles, STATE_DIRECTORY } from '../storage/durable-files.ts';
import { type AnchorTarget, anchorTarget } from './anchor-sink.ts';

export const ANCHORS_FOLDER = 'anchors';
export const INDEX_FILE = 'index';
const CHECKPOINT = 'checkpoint';
const LINE = /^([1-9][0-9]{0,15}) (\S+) (\S+) (\S+) ([0-9a-f]{64}) ([0-9a-f]{64})$/;

export interface AnchorEntry {
  readonly size: number;
  readonly sink: string;
  readonly kind: AnchorKind;
  /** When the receipt came, epoch ms. */
  readonly anchoredAtMs: number;
}

/** With what its files must be: hex SHA-256. */
export interface IndexedAnchor extends AnchorEntry {
  readonly checkpointHash: string;
  readonly receiptHash: string;
}

/** A checkpoint that a sink took. */
export interface Taken {
  readonly size: number;
  readonly takenAtMs: number;
  /** What the sink wants to be asked with; null: it is to be brought. */
  readonly pending: string | null;
}

/** @throws LedgerError ANCHOR_STATE_INVALID */
export async function openAnchorStore(files: DurableFiles): Promise<AnchorStore> {
  const bytes = await files.read(INDEX_FILE);
  return new AnchorStore(files, bytes === null ? [] : readIndex(Buffer.from(bytes).toString()));
}

/** @throws LedgerError ANCHOR_STATE_INVALID */
export function readIndex(text: string): IndexedAnchor[] {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new LedgerError('ANCHOR_STATE_INVALID', `${INDEX_FILE}: cut off`);
  return lines.map((line, at) => {
    const [, size, sink = '', kindName, time = '', checkpointHash = '', receiptHash = ''] = LINE.exec(line) ?? [];
    const kind = ANCHOR_KINDS.find((one) => one === kindName);
    const anchoredAtMs = Date.parse(time);
    if (kind === undefined || !SINK_NAME.test(sink) || Number.isNaN(anchoredAtMs)) {
      throw new LedgerError('ANCHOR_STATE_INVALID', `${INDEX_FILE}: line ${at + 1}`);
    }
    return { size: Number(size), sink, kind, anchoredAtMs, checkpointHash, receiptHash };
  });
}

export class AnchorStore {
  readonly #files: DurableFiles;
  #entries: readonly IndexedAnchor[];
  /** The index is written by one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(files: DurableFiles, entries: readonly IndexedAnchor[]) {
    this.#files = files;
    this.#entries = entries;
  }

  /** The newest receipt of a sink. */
  latest(sink: string): AnchorEntry | undefined {
    return this.#entries.findLast((entry) => entry.sink === sink);
  }

  /** Of each sink the receipt of the smallest tree of at least this size: the one with the earliest time. */
  covering(size: number): readonly AnchorEntry[] {
    const found = new Map<string, AnchorEntry>();
    for (const entry of this.#entries) {
      const known = found.get(entry.sink);
      if (entry.size >= size && (known === undefined || entry.size < known.size)) found.set(entry.sink, entry);
    }
    return [...found.values()];
  }

  /** @throws LedgerError ANCHOR_STATE_INVALID when it is not there */
  async target(size: number): Promise<AnchorTarget> {
    const note = await this.#files.read(`${size}/${CHECKPOINT}`);
    if (note === null) throw new LedgerError('ANCHOR_STATE_INVALID', `${size}/${CHECKPOINT} is not there`);
    return anchorTarget(Buffer.from(note).toString());
  }

  /** A receipt; null when it has not come. */
  receipt({ size, sink }: Pick<AnchorEntry, 'size' | 'sink'>): Promise<Uint8Array | null> {
    return this.#files.read(`${size}/${sink}`);
  }

  /** What the sink took last. @throws LedgerError ANCHOR_STATE_INVALID */
  async taken(sink: string): Promise<Taken | null> {
    const bytes = await this.#files.read(`${STATE_DIRECTORY}/${sink}`);
    if (bytes === null) return null;
    try {
      const { size, takenAtMs, pending } = JSON.parse(Buffer.from(bytes).toString()) as Taken;
      if (Number.isSafeInteger(size) && Number.isSafeInteger(takenAtMs) && (pending === null || typeof pending === 'string')) {
        return { size, takenAtMs, pending };
      }
    } catch {
      // Not even JSON: as below.
    }
    throw new LedgerError('ANCHOR_STATE_INVALID', `${STATE_DIRECTORY}/${sink}`);
  }

  /** Puts a checkpoint in the outbox. */
  async take(sink: string, { size, note }: AnchorTarget, taken: Omit<Taken, 'size'>): Promise<void> {
    const state = { path: `${STATE_DIRECTORY}/${sink}`, bytes: Buffer.from(JSON.stringify({ size, ...taken })) };
    const isThere = (await this.#files.read(`${size}/${CHECKPOINT}`)) !== null;
    const checkpoint = { path: `${size}/${CHECKPOINT}`, bytes: Buffer.from(note) };
    await this.#files.write(isThere ? [state] : [checkpoint, state]);
  }

  /** Keeps a receipt, and then says so in the index. Again with the same one: nothing happens. */
  async complete(entry: AnchorEntry, receipt: Uint8Array): Promise<void> {
    const write = this.#turn.then(async () => {
      const { size, sink, kind, anchoredAtMs } = entry;
      if (this.#entries.some((one) => one.size === size && one.sink === sink)) return;
      const { note } = await this.target(size);
      const hashes = { checkpointHash: hash('sha256', note), receiptHash: hash('sha256', receipt) };
      const entries = [...this.#entries, { size, sink, kind, anchoredAtMs, ...hashes }];
      const index = { path: INDEX_FILE, bytes: Buffer.from(entries.map(lineOf).join('')) };
      await this.#files.write([{ path: `${size}/${sink}`, bytes: receipt }], index);
      this.#entries = entries;
    });
    // A failure is the caller's; the next one in turn begins anew.
    this.#turn = write.catch(() => undefined);
    await write;
  }
}

function lineOf({ size, sink, kind, anchoredAtMs, checkpointHash, receiptHash }: IndexedAnchor): string {
  return `${size} ${sink} ${kind} ${new Date(anchoredAtMs).toISOString()} ${checkpointHash} ${receiptHash}\n`;
}
