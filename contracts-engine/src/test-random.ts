/** Chance for tests that must fail the same way twice. */

export type Random = () => number;

/** Numbers from 0 to 1 (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The same things in the order in which they arrive, each at its time plus a delay of at most `maxMs`; some come twice. */
export function delayed<T extends { readonly at: number }>(things: readonly T[], maxMs: number, random: Random): T[] {
  const sent = things.flatMap((thing) => {
    const times = random() < 0.1 ? 2 : 1;
    return Array.from({ length: times }, () => ({ thing, arrival: thing.at + (random() < 0.5 ? 0 : random() * maxMs) }));
  });
  return sent.sort((a, b) => a.arrival - b.arrival).map(({ thing }) => thing);
}
