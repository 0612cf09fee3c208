/**
 * How fast one device is read, over all of its connections. Nothing is dropped: who is too fast is read later, and the
 * back-pressure reaches its socket. Two things are bounded: rates per second, and the device's share of one group
 * commit, so that one that floods cannot make the others wait for its messages.
 */
import type { IngestMetrics } from '../metrics.ts';
import { TokenBucket } from './token-bucket.ts';

/**
 * What one device brings into one group commit; a single larger message goes alone. Some hundred readings are taken in
 * half a millisecond, the time of a commit: the others wait no longer for a flood than for the disk.
 */
export const GROUP_SHARE_BYTES = 16 * 1024;

export interface PaceLimits {
  /** Messages per second of one device; 0: no limit. */
  readonly deviceRateMax: number;
  /** Bytes per second of one device; 0: no limit. */
  readonly deviceBytesPerSecondMax: number;
}

export class DevicePace {
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #onThrottled: () => void;
  #group = -1;
  #groupBytes = 0;

  /** @param onThrottled told each time that the device has to wait for its rate */
  constructor(limits: PaceLimits, nowMs: number, onThrottled: () => void) {
    this.#onThrottled = onThrottled;
    this.#messages = new TokenBucket(limits.deviceRateMax, nowMs);
    this.#bytes = new TokenBucket(limits.deviceBytesPerSecondMax, nowMs);
  }

  /** Counts a message into a group. @param group number of the group that gathers now */
  add(bytes: number, group: number): void {
    if (group !== this.#group) {
      this.#group = group;
      this.#groupBytes = 0;
    }
    this.#groupBytes += bytes;
  }

  /** True when the device has had its share of this group. */
  hasShare(group: number): boolean {
    return group === this.#group && this.#groupBytes >= GROUP_SHARE_BYTES;
  }

  /** Counts what was read against the rates. @returns how long to read nothing more, ms */
  spend(messages: number, bytes: number, nowMs: number): number {
    const waitMs = Math.max(this.#messages.take(messages, nowMs), this.#bytes.take(bytes, nowMs));
    if (waitMs > 0) this.#onThrottled();
    return waitMs;
  }
}

/** Paces are kept for devices that were here lately; a forgotten one begins with a full second of burst. */
const PACES_MAX = 100_000;

/** One pace for each producer, whatever door it comes by. */
export class DevicePaces {
  readonly #limits: PaceLimits;
  readonly #onThrottled: () => void;
  readonly #paces = new Map<string, DevicePace>();

  constructor(limits: PaceLimits, metrics: Pick<IngestMetrics, 'throttled'>) {
    this.#limits = limits;
    this.#onThrottled = () => metrics.throttled.inc({ limit: 'rate' });
  }

  of(producer: string): DevicePace {
    const known = this.#paces.get(producer);
    if (known !== undefined) return known;
    if (this.#paces.size >= PACES_MAX) this.#paces.delete(this.#paces.keys().next().value as string);
    const pace = new DevicePace(this.#limits, performance.now(), this.#onThrottled);
    this.#paces.set(producer, pace);
    return pace;
  }
}
