/**
 * Hosts the quality stage: gives it the journal in order and keeps its state on disk. The state on disk is never ahead of
 * verdicts that are not in the tables yet, so a crash loses none: what was folded since is folded again and gives the same, and the
 * projector leaves out what its table has.
 */
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { openSealedText } from '@airtight/protocol';
import type { Logger } from 'pino';
import { writeSnapshot } from '../contracts/snapshot-file.ts';
import type { JournalEvent } from '../decode/decoder.ts';
import type { Projector } from '../project/projector.ts';
import { QualityStage, type QualityState } from './quality-stage.ts';
import type { Verdict } from './verdict.ts';

/** After a crash at most so much of the journal is folded again for the tests; ten thousand series are some 2 MB to write. */
const SAVE_INTERVAL_MS = 10_000;
const FORMAT = 'airtight-quality-state@2';
const NONE: readonly Verdict[] = [];

export interface SavedQuality {
  /** Position of the next event the stage wants. */
  readonly next: number;
  readonly state: QualityState;
}

export interface QualityHostOptions {
  /** undefined: the journal is folded from its beginning. */
  readonly saved: SavedQuality | undefined;
  readonly path: string;
  readonly projector: Pick<Projector, 'settled'>;
  readonly logger: Logger;
}

export class QualityHost {
  readonly #stage: QualityStage;
  readonly #options: QualityHostOptions;
  #next: number;
  #saved: number;
  #saving: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: QualityHostOptions) {
    this.#options = options;
    this.#stage = new QualityStage(options.saved?.state);
    this.#next = options.saved?.next ?? 0;
    this.#saved = this.#next;
  }

  /** Position of the next event it wants. */
  get next(): number {
    return this.#next;
  }

  /** Takes the next event; one before `next` is known already. @returns what it has decided */
  take(event: JournalEvent): readonly Verdict[] {
    if (event.position < this.#next) return NONE;
    this.#next = event.position + 1;
    return this.#stage.take(event);
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#saving = this.#saving.then(() => this.#save());
    }, SAVE_INTERVAL_MS);
  }

  /** Stops. What was not saved is folded again. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#saving;
  }

  async #save(): Promise<void> {
    if (this.#next === this.#saved) return;
    const next = this.#next;
    const line = lineOf(next, this.#stage.state());
    if (!(await this.#options.projector.settled())) return;
    try {
      await writeSnapshot(this.#options.path, [line]);
      this.#saved = next;
    } catch (error) {
      this.#options.logger.error({ err: error }, 'the state of the quality tests could not be saved');
    }
  }
}

/** @param through end of what the tables hold: a state beyond it belongs to other tables */
export async function readQualityState(path: string, through: number): Promise<SavedQuality | undefined> {
  const line = openSealedText(await readFile(path, 'utf8').catch(() => ''), (text) => hash('sha256', text, 'hex'));
  if (line === undefined) return undefined;
  const { format, next, state } = JSON.parse(line) as SavedQuality & { readonly format: string };
  return format === FORMAT && next <= through ? { next, state } : undefined;
}

/** Of a store whose tables hold everything below `next`. */
export async function writeQualityState(path: string, next: number, state: QualityState): Promise<void> {
  await writeSnapshot(path, [lineOf(next, state)]);
}

/** Where the state lies in the store's folder. */
export function qualityPathIn(storeDir: string): string {
  return `${storeDir}/quality-state.json`;
}

function lineOf(next: number, state: QualityState): string {
  return JSON.stringify({ format: FORMAT, next, state });
}
