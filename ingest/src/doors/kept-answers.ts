/**
 * Answers to uploads that bore an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07), so that one sent again gets
 * the first answer. Kept in memory alone: after a restart the journal still knows every record, and answers `repeat`.
 */
import { AirtightError } from '@airtight/protocol';

/** How long a key is known. */
export const KEPT_ANSWER_AGE_MS = 24 * 3_600_000;
/** Keys of one device: an upload every half minute over half an hour. */
export const KEPT_ANSWERS_PER_DEVICE_MAX = 64;
/** The longest answer, 10,000 quarantined lines with their reasons, has some 4 MB. */
export const KEPT_BYTES_PER_DEVICE_MAX = 8 * 1024 * 1024;
export const KEPT_ANSWERS_MAX = 10_000;
export const KEPT_BYTES_MAX = 64 * 1024 * 1024;

export interface KeptAnswer {
  /** Of the body and of what says how it was to be read. */
  readonly digest: string;
  readonly json: Buffer;
}

interface Kept extends KeptAnswer {
  readonly atMs: number;
}

interface DeviceAnswers {
  /** Oldest first. */
  readonly byKey: Map<string, Kept>;
  bytes: number;
}

export class KeptAnswers {
  /** By producer; the one whose answer is the newest stands last. */
  readonly #devices = new Map<string, DeviceAnswers>();
  readonly #underWay = new Set<string>();
  #count = 0;
  #bytes = 0;

  /** @returns undefined for a key that is new, too old, or no longer kept */
  find(producer: string, key: string, nowMs: number): KeptAnswer | undefined {
    const kept = this.#devices.get(producer)?.byKey.get(key);
    return kept !== undefined && nowMs - kept.atMs < KEPT_ANSWER_AGE_MS ? kept : undefined;
  }

  /**
   * Says that an upload with this key is under way. @returns to be called when it has ended, however it has
   * @throws AirtightError IDEMPOTENCY_KEY_BUSY while another one is
   */
  begin(producer: string, key: string): () => void {
    const name = `${producer} ${key}`;
    if (this.#underWay.has(name)) throw new AirtightError('IDEMPOTENCY_KEY_BUSY', 'the first request with this key is still under way');
    this.#underWay.add(name);
    return () => this.#underWay.delete(name);
  }

  keep(producer: string, key: string, { digest, json }: KeptAnswer, nowMs: number): void {
    const device = this.#devices.get(producer) ?? { byKey: new Map(), bytes: 0 };
    this.#devices.delete(producer);
    this.#devices.set(producer, device);
    this.#forget(device, key);
    device.byKey.set(key, { digest, json, atMs: nowMs });
    device.bytes += json.length;
    this.#count++;
    this.#bytes += json.length;
    while (device.byKey.size > KEPT_ANSWERS_PER_DEVICE_MAX || device.bytes > KEPT_BYTES_PER_DEVICE_MAX) this.#forgetOldest(device);
    while (this.#count > KEPT_ANSWERS_MAX || this.#bytes > KEPT_BYTES_MAX) {
      const [longestQuiet, its] = this.#devices.entries().next().value as [string, DeviceAnswers];
      this.#forgetOldest(its);
      if (its.byKey.size === 0) this.#devices.delete(longestQuiet);
    }
  }

  #forgetOldest(device: DeviceAnswers): void {
    this.#forget(device, device.byKey.keys().next().value as string);
  }

  #forget(device: DeviceAnswers, key: string): void {
    const known = device.byKey.get(key);
    if (known === undefined) return;
    device.byKey.delete(key);
    device.bytes -= known.json.length;
    this.#count--;
    this.#bytes -= known.json.length;
  }
}
