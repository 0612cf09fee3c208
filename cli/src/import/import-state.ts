/**
 * How far the import of a file is, in `imports/` of the data directory: an interrupted import goes on from there, and a
 * finished one is not sent again. It is believed only as long as the journal holds the record it names. Without it
 * nothing is lost either: what is sent again is recognised as a repeat.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSealedText, sealText } from '@airtight/protocol';
import type { DataDirectory } from '../data-directory.ts';
import type { CheckedFile } from './check-file.ts';
import type { SendCounts } from './send-file.ts';

export interface ImportState {
  readonly format: typeof STATE_FORMAT;
  readonly file: string;
  readonly startedAt: number;
  /** Readings of the file, in its order, that are in the journal. */
  readonly through: number;
  readonly counts: SendCounts;
  /** Lower-case hex SHA-256 of the record at `counts.last`. */
  readonly lastRecord?: string;
  /** The import is on record at this journal position; -1: it added nothing, so there was nothing to record. */
  readonly recordedAt?: number;
}

const STATE_FORMAT = 'airtight-import-state@1';

/** Stands for the hash of a record whose payload is gone. */
export const REMOVED = 'removed';

/** What makes two imports the same: the file's bytes, how they are read, and whose records they become. */
export function importKey({ sha256, format, options, routes }: CheckedFile, agency: string): string {
  const { zoneMs = null } = options;
  const identity = [sha256, format.name, format.version, agency, zoneMs, routes.map(({ dataset, producer }) => `${dataset}/${producer}`)];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}

export class ImportStates {
  readonly #folder: string;

  constructor(data: DataDirectory) {
    this.#folder = join(data.root, 'imports');
  }

  /**
   * @param recordHash hash of a stored record, undefined when there is none at that position; `removed` where a retention
   *   policy took the payload and with it what could be compared: the file was imported all the same
   */
  async read(key: string, recordHash: (position: number) => Promise<string | undefined>): Promise<ImportState | undefined> {
    const state = readState(this.#pathOf(key));
    if (state?.format !== STATE_FORMAT || state.counts.last === undefined || state.lastRecord === undefined) return undefined;
    const found = await recordHash(state.counts.last);
    return found === state.lastRecord || found === REMOVED ? state : undefined;
  }

  write(key: string, state: Omit<ImportState, 'format'>): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const draft = `${this.#pathOf(key)}.new`;
    writeFileSync(draft, sealText(JSON.stringify({ format: STATE_FORMAT, ...state })), { mode: 0o600 });
    renameSync(draft, this.#pathOf(key));
  }

  #pathOf(key: string): string {
    return join(this.#folder, `${key}.json`);
  }
}

/** Undefined when it is not there or not as it was written. */
function readState(path: string): ImportState | undefined {
  try {
    const line = openSealedText(readFileSync(path, 'utf8'));
    return line === undefined ? undefined : (JSON.parse(line) as ImportState);
  } catch {
    return undefined;
  }
}
