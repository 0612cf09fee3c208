/**
 * Which journal position may hold a record of this identity. The index knows only 32-bit fingerprints, so it is small;
 * a hit is a candidate that the caller compares with the journal's own bytes, so it is exact. Never the MQTT packet id,
 * never the DUP flag: both say nothing about the message.
 *
 * Memory is bounded: fingerprints live in generations of GENERATION_RECORDS; when a new one begins, the oldest is
 * forgotten. A repeat is recognised at least within the last (GENERATIONS − 1) × GENERATION_RECORDS records.
 */

/** 2^20 records in 2^21 slots of 12 bytes: 25 MB a generation. */
export const GENERATION_RECORDS = 1 << 20;
export const GENERATIONS = 5;
/** Forged payloads can share a fingerprint; beyond this many candidates a message is stored as new. */
export const CANDIDATES_MAX = 8;

const SLOTS = GENERATION_RECORDS * 2;
const SLOT_MASK = SLOTS - 1;
/** 2^32 / golden ratio: spreads fingerprints that differ in few bits over the slots. */
const SPREAD = 0x9e3779b1;
const EMPTY = -1;

class Generation {
  readonly #fingerprints = new Uint32Array(SLOTS);
  readonly #positions = new Float64Array(SLOTS).fill(EMPTY);
  #count = 0;

  get full(): boolean {
    return this.#count >= GENERATION_RECORDS;
  }

  add(fingerprint: number, position: number): void {
    let slot = (Math.imul(fingerprint, SPREAD) >>> 11) & SLOT_MASK;
    while (this.#positions[slot] !== EMPTY) slot = (slot + 1) & SLOT_MASK;
    this.#fingerprints[slot] = fingerprint;
    this.#positions[slot] = position;
    this.#count++;
  }

  /** Calls `isRepeat` with each candidate position until it answers true; returns that position, or -1. */
  find(fingerprint: number, isRepeat: (position: number) => boolean): number {
    let slot = (Math.imul(fingerprint, SPREAD) >>> 11) & SLOT_MASK;
    let candidates = 0;
    for (;;) {
      const position = this.#positions[slot] as number;
      if (position === EMPTY) return -1;
      if (this.#fingerprints[slot] === fingerprint) {
        if (isRepeat(position)) return position;
        if (++candidates === CANDIDATES_MAX) return -1;
      }
      slot = (slot + 1) & SLOT_MASK;
    }
  }
}

export class DuplicateIndex {
  /** Newest first. */
  readonly #generations: Generation[] = [new Generation()];

  add(fingerprint: number, position: number): void {
    if ((this.#generations[0] as Generation).full) {
      this.#generations.unshift(new Generation());
      this.#generations.length = Math.min(this.#generations.length, GENERATIONS);
    }
    (this.#generations[0] as Generation).add(fingerprint >>> 0, position);
  }

  /**
   * Position of an earlier record of this identity, or -1.
   * @param isRepeat compares the candidate's bytes in the journal
   */
  find(fingerprint: number, isRepeat: (position: number) => boolean): number {
    for (const generation of this.#generations) {
      const position = generation.find(fingerprint >>> 0, isRepeat);
      if (position >= 0) return position;
    }
    return -1;
  }
}

/** From which position the index has to be filled at start-up. */
export function indexedFrom(head: number): number {
  return Math.max(0, head - (GENERATIONS - 1) * GENERATION_RECORDS);
}
