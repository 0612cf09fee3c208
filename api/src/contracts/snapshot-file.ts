/** The engine's state on disk: replaced whole, or not at all; sealed, so that one with a changed bit is not used. */
import { createHash, hash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { type EngineSnapshot, joinSnapshot, type SnapshotParts } from '@airtight/contracts-engine';
import { openSealedText } from '@airtight/protocol';

export interface ContractsSnapshot {
  readonly format: 'airtight-contracts-state@4';
  /** Position of the next event the engine wants. */
  readonly next: number;
  readonly state: EngineSnapshot;
  /** Effects of records below are not written: they were computed again across removed payloads. Absent: all are. */
  readonly blindThrough?: number;
  /** Alerts of which nobody was told for that. */
  readonly unwritten?: readonly string[];
}

export const SNAPSHOT_FORMAT = 'airtight-contracts-state@4';

/** The text of a snapshot, in parts: a line of JSON whose state counts its readings, then lines of readings. */
export function* snapshotText(rest: Omit<ContractsSnapshot, 'format' | 'state'>, { state, lines }: SnapshotParts): Iterable<string> {
  const frame: Omit<ContractsSnapshot, 'state'> = { format: SNAPSHOT_FORMAT, ...rest };
  yield `${JSON.stringify(frame).slice(0, -1)},"state":${state}}`;
  for (const line of lines) yield `\n${line}`;
}

/** @returns undefined when there is none that can be read: the engine then folds the journal from its beginning, which gives the same */
export async function readSnapshot(path: string): Promise<ContractsSnapshot | undefined> {
  try {
    const text = openSealedText(await readFile(path, 'utf8'), sha256);
    if (text === undefined) return undefined;
    const lines = linesOf(text);
    const { state, ...rest } = JSON.parse(lines.next().value as string) as ContractsSnapshot;
    if (rest.format !== SNAPSHOT_FORMAT || !Number.isSafeInteger(rest.next)) return undefined;
    return { ...rest, state: joinSnapshot(state, lines) };
  } catch {
    return undefined;
  }
}

function* linesOf(text: string): Generator<string> {
  for (let from = 0; from <= text.length; ) {
    const end = text.indexOf('\n', from);
    yield text.slice(from, end < 0 ? text.length : end);
    if (end < 0) return;
    from = end + 1;
  }
}

/**
 * Write beside, sync, rename: after a crash the old or the new one is there. Between two parts others get their turn.
 * @param parts of the text
 * @param pause waits between two parts; told how many ms the last one took of the event loop
 */
export async function writeSnapshot(path: string, parts: Iterable<string>, pause?: (heldMs: number) => Promise<void>): Promise<void> {
  const draft = `${path}.new`;
  const file = await open(draft, 'w', 0o600);
  try {
    const seal = createHash('sha256');
    const iterator = parts[Symbol.iterator]();
    for (;;) {
      const began = performance.now();
      const { value, done } = iterator.next();
      if (done === true) break;
      const bytes = Buffer.from(value);
      seal.update(bytes);
      const heldMs = performance.now() - began;
      await file.writeFile(bytes);
      await pause?.(heldMs);
    }
    // As protocol/src/records/sealed-text.ts seals a whole text.
    await file.writeFile(`\n${seal.digest('hex')}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}

/** Where the snapshot lies in the store's folder. */
export function snapshotPathIn(storeDir: string): string {
  return `${storeDir}/contracts-state.json`;
}
