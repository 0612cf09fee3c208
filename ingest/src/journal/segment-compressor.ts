/** Compresses sealed segments in the background, one at a time, the oldest first. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { IngestMetrics } from '../metrics.ts';
import type { Journal } from './journal.ts';

/** How often it is looked whether a segment is old enough; also the pause after a failure. */
const LOOK_INTERVAL_MS = 5000;

export interface SegmentCompressorOptions {
  readonly journal: Pick<Journal, 'compressNext'>;
  /** How long a segment stays as it is after it was sealed, s. */
  readonly afterS: number;
  readonly metrics: Pick<IngestMetrics, 'compressedBytes' | 'compressionFailures'>;
  readonly logger: Logger;
}

export class SegmentCompressor {
  readonly #options: SegmentCompressorOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: SegmentCompressorOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** A segment that is under way is left as it is. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const more = await this.#compressOne(signal);
      if (!more) await delay(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #compressOne(signal: AbortSignal): Promise<boolean> {
    const { journal, afterS, metrics, logger } = this.#options;
    try {
      const sizes = await journal.compressNext(Date.now() - afterS * 1000, signal);
      if (sizes === undefined) return false;
      metrics.compressedBytes.inc({ form: 'segment' }, sizes.segmentBytes);
      metrics.compressedBytes.inc({ form: 'compressed' }, sizes.compressedBytes);
      logger.info(sizes, 'segment compressed');
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      metrics.compressionFailures.inc();
      logger.warn({ err: error }, 'segment not compressed; it stays as it is and is tried again');
      return false;
    }
  }
}
