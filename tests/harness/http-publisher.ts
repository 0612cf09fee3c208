/**
 * A device of the fault tests that publishes over HTTP: numbered readings as lines, a few at a time, sent again until they are
 * answered, and notes which ones were answered as stored.
 */
import type { LineResult } from '@airtight/protocol';
import type { Device, Product } from './product.ts';
import { numberedReading } from './publisher.ts';
import { pause } from './waiting.ts';

const LINES = 8;
const RETRY_MS = 50;
/** A service that was killed in the middle leaves the request without an answer. */
const ANSWER_TIMEOUT_MS = 5000;

export class HttpPublisher {
  readonly device: Device;
  /** Numbers whose line was answered as stored. */
  readonly acknowledged = new Set<number>();
  readonly #product: Product;
  readonly #startMs: number;
  #next = 0;
  #stopping = false;
  #closed = false;
  #running: Promise<void> = Promise.resolve();

  constructor(product: Product, device: Device, startMs: number) {
    this.device = device;
    this.#product = product;
    this.#startMs = startMs;
  }

  /** Publishes until it is told to finish. */
  async start(): Promise<void> {
    this.#running = this.#run();
  }

  /** Begins nothing new and waits until all that was begun is answered. */
  async finish(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  /** Leaves at once. */
  close(): void {
    this.#stopping = true;
    this.#closed = true;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const seqs = Array.from({ length: LINES }, () => this.#next++);
      while (!this.#closed && !(await this.#send(seqs))) await pause(RETRY_MS);
    }
  }

  /** @returns false when the upload has to be sent again */
  async #send(seqs: readonly number[]): Promise<boolean> {
    try {
      const answer = await fetch(`${this.#product.httpUrl}/api/v1/records`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-ndjson',
          authorization: `Basic ${Buffer.from(`${this.device.username}:${this.device.secret}`).toString('base64')}`,
        },
        body: seqs.map((seq) => JSON.stringify(numberedReading(seq, this.#startMs))).join('\n'),
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      if (!answer.ok) return false;
      const { results } = (await answer.json()) as { results: readonly LineResult[] };
      if (results.length !== seqs.length) throw new Error(`${results.length} answers to ${seqs.length} lines`);
      for (const [i, { status }] of results.entries()) {
        if (status === 'quarantined' || status === 'revision') throw new Error(`line ${i + 1}: ${status}`);
        this.acknowledged.add(seqs[i] as number);
      }
      return true;
    } catch (error) {
      // What a killed service does to a request; anything else is the test's business.
      if (error instanceof TypeError || (error as Error).name === 'TimeoutError') return false;
      throw error;
    }
  }
}
