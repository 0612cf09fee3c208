/**
 * Brings what this witness has cosigned into the own log, once an hour: the histories of the logs stay ordered against
 * each other in the log itself, even when a witness's key or its memory is lost later.
 */
import type { Logger } from 'pino';
import type { Witness } from './witness.ts';

export interface PeerCheckpointsOptions {
  readonly witness: Witness;
  /** Appends entries to the own log. */
  readonly append: (entries: readonly Uint8Array[]) => Promise<unknown>;
  readonly intervalMs: number;
  readonly logger: Logger;
}

/** An entry of the own log: canonical JSON (RFC 8785) with the checkpoint as it was cosigned. */
export function peerCheckpointEntry(origin: string, size: number, checkpoint: string): Uint8Array {
  // Keys in canonical order; of texts without lone surrogates, JSON.stringify is the canonical form.
  return Buffer.from(JSON.stringify({ checkpoint, origin, size, type: 'peer-checkpoint', v: 1 }));
}

export class PeerCheckpoints {
  readonly #options: PeerCheckpointsOptions;
  /** Size that was appended last, by origin: a log that stands still needs no second entry. */
  readonly #appended = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void>;

  constructor(options: PeerCheckpointsOptions) {
    this.#options = options;
    // After a restart too: what was appended before is an entry already, and is not added twice.
    this.#running = this.append();
    this.#timer = setInterval(() => {
      this.#running = this.#running.then(() => this.append());
    }, options.intervalMs);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Appends what is new of every peer; what fails now is tried again next time. */
  async append(): Promise<void> {
    const { witness, logger } = this.#options;
    const fresh = [...witness.logs.keys()].flatMap((origin) => {
      const latest = witness.latest(origin);
      const size = latest?.size ?? 0;
      return latest === undefined || size === 0 || size === this.#appended.get(origin) ? [] : [{ origin, ...latest }];
    });
    if (fresh.length === 0) return;
    try {
      await this.#options.append(fresh.map(({ origin, size, note }) => peerCheckpointEntry(origin, size, note)));
      for (const { origin, size } of fresh) this.#appended.set(origin, size);
    } catch (error) {
      logger.warn({ err: error }, 'the checkpoints of peers were not appended; trying again later');
    }
  }
}
