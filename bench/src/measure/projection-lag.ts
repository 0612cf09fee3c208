/** How far the read side is behind the write side, in seconds of arrival: what a person would wait to see a reading. */
import { setTimeout as sleep } from 'node:timers/promises';

interface Sample {
  readonly atMs: number;
  /** Committed end of the journal. */
  readonly head: number;
  /** All records below are in the store. */
  readonly projected: number;
}

export class ProjectionLag {
  readonly #sample: () => Promise<{ head: number; projected: number }>;
  readonly #samples: Sample[] = [];

  constructor(sample: () => Promise<{ head: number; projected: number }>) {
    this.#sample = sample;
  }

  async take(): Promise<Sample> {
    // The heads are asked for first: an answer that takes its time makes the lag look longer, never shorter.
    const atMs = performance.now();
    const sample = { atMs, ...(await this.#sample()) };
    this.#samples.push(sample);
    return sample;
  }

  /** Takes samples until the signal comes. */
  async follow(everyMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.take();
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Seconds since the journal's head was where the projection is now, at the given sample. */
  secondsAt({ atMs, head, projected }: Sample): number {
    if (projected >= head) return 0;
    const later = this.#samples.findIndex((sample) => sample.head > projected);
    const after = this.#samples[later];
    const before = this.#samples[later - 1];
    if (after === undefined) return 0;
    if (before === undefined) return (atMs - after.atMs) / 1000;
    const share = (projected - before.head) / (after.head - before.head);
    return (atMs - (before.atMs + share * (after.atMs - before.atMs))) / 1000;
  }

  get worstSeconds(): number {
    return Math.max(...this.#samples.map((sample) => this.secondsAt(sample)));
  }
}

/** Resolves when everything in the journal is projected. @throws Error after `timeoutMs` */
export async function untilProjected(sample: () => Promise<{ head: number; projected: number }>, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { head, projected } = await sample();
    if (projected >= head) return;
    if (performance.now() > deadline) throw new Error(`the projection stands at ${projected} of ${head} after ${timeoutMs} ms`);
    await sleep(200);
  }
}
