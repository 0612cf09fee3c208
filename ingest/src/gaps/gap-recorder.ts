/** Puts on record what the hashing thread finds missing, and keeps the state of its watch over a restart. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONTROL_AGENCY, GAPS_DATASET, type GapRecord } from '@airtight/protocol';
import type { Logger } from 'pino';
import type { InternalDoor } from '../internal-door.ts';
import { writeFaultOf } from '../journal/disk.ts';
import type { IngestMetrics } from '../metrics.ts';
import { messageIdOf, type SequenceGapsState } from './sequence-gaps.ts';

export interface GapRecorderOptions {
  /** The journal's folder. */
  readonly dir: string;
  readonly door: () => Pick<InternalDoor, 'write'>;
  readonly metrics: Pick<IngestMetrics, 'gapRecords' | 'gapsUnrecorded'>;
  readonly logger: Logger;
}

export class GapRecorder {
  readonly #options: GapRecorderOptions;
  readonly #path: string;

  constructor(options: GapRecorderOptions) {
    this.#options = options;
    this.#path = join(options.dir, 'sequences.snapshot.json');
  }

  /** @param committed end of the journal; a state from beyond it is that of another journal */
  restore(committed: number): SequenceGapsState | undefined {
    try {
      const state = JSON.parse(readFileSync(this.#path, 'utf8')) as SequenceGapsState;
      return state.version === 1 && state.position <= committed ? state : undefined;
    } catch {
      // None, or one that a crash cut short: derived data.
      return undefined;
    }
  }

  save(state: SequenceGapsState): void {
    const temporary = `${this.#path}.tmp`;
    try {
      writeFileSync(temporary, JSON.stringify(state), { mode: 0o640 });
      renameSync(temporary, this.#path);
    } catch (error) {
      if (writeFaultOf(error) === undefined) throw error;
      rmSync(temporary, { force: true });
    }
  }

  /** What cannot be stored now is told again later. @param unrecorded gaps that are too many to be told */
  record(gaps: readonly GapRecord[], unrecorded: number): void {
    const { door, metrics, logger } = this.#options;
    if (unrecorded > 0) {
      metrics.gapsUnrecorded.inc(unrecorded);
      logger.warn({ code: 'GAPS_UNRECORDED', unrecorded }, 'a device leaves out numbers faster than it is put on record');
    }
    if (gaps.length === 0) return;
    const records = gaps.map((payload) => ({
      ...{ agency: CONTROL_AGENCY, dataset: GAPS_DATASET, producer: 'ingest', messageId: messageIdOf(payload), payload },
    }));
    door()
      .write(records)
      .then(() => metrics.gapRecords.inc(gaps.length))
      .catch((err: unknown) => logger.warn({ err, gaps: gaps.length }, 'gaps are not on record yet'));
  }
}
