/** Seeded chance as a pure function of place and time: no state, so any moment can be asked for, in any order. */

/** 32-bit integer hash of a list of integers (MurmurHash3 mixing steps). */
export function hash32(...values: readonly number[]): number {
  let h = 0x9747b28c;
  for (const value of values) {
    // Times exceed 32 bits: both halves count.
    h = mix(h, value | 0);
    h = mix(h, Math.floor(value / 0x1_0000_0000) | 0);
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Uniform in [0, 1). */
export function uniform(...values: readonly number[]): number {
  return hash32(...values) / 0x1_0000_0000;
}

/** Smooth noise in [-1, 1]: random values at whole multiples of `periodMs`, eased in between. */
export function smoothNoise(seed: number, stream: number, t: number, periodMs: number): number {
  const at = t / periodMs;
  const before = Math.floor(at);
  const share = at - before;
  const eased = share * share * (3 - 2 * share);
  const from = uniform(seed, stream, before) * 2 - 1;
  const to = uniform(seed, stream, before + 1) * 2 - 1;
  return from + (to - from) * eased;
}

/** 0 before `from`, 1 after `to`, smooth in between. */
export function ramp(value: number, from: number, to: number): number {
  const share = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return share * share * (3 - 2 * share);
}

function mix(hash: number, value: number): number {
  let k = Math.imul(value, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let h = hash ^ Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}
