/** The engine's state on disk: replaced whole, or not at all; sealed, so that one with a changed bit is not used. */
import { createHash, hash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import type { EngineSnapshot } from '@airtight/contracts-engine';
import { openSealedText } from '@airtight/protocol';

export interface ContractsSnapshot {
  readonly format: 'airtight-contracts-state@3';
  /** Position of the next event the engine wants. */
  readonly next: number;
  readonly state: EngineSnapshot;
  /** Effects of records below are not written: they were computed again across removed payloads. Absent: all are. */
  readonly blindThrough?: number;
  /** Alerts of which nobody was told for that. */
  readonly unwritten?: readonly string[];
}

export const SNAPSHOT_FORMAT = 'airtight-contracts-state@3';

/** The JSON of a snapshot, in parts. @param state that of its `state` */
export function* snapshotText(rest: Omit<ContractsSnapshot, 'format' | 'state'>, state: Iterable<string>): Iterable<string> {
  const frame: Omit<ContractsSnapshot, 'state'> = { format: SNAPSHOT_FORMAT, ...rest };
  yield `${JSON.stringify(frame).slice(0, -1)},"state":`;
  yield* state;
  yield '}';
}

/** @returns undefined when there is none that can be read: the engine then folds the journal from its beginning, which gives the same */
export async function readSnapshot(path: string): Promise<ContractsSnapshot | undefined> {
  try {
    const line = openSealedText(await readFile(path, 'utf8'), sha256);
    if (line === undefined) return undefined;
    const snapshot = JSON.parse(line) as ContractsSnapshot;
    return snapshot.format === SNAPSHOT_FORMAT && Number.isSafeInteger(snapshot.next) ? snapshot : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Write beside, sync, rename: after a crash the old or the new one is there. Between two parts others get their turn.
 * @param parts of the JSON, without line ends
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
