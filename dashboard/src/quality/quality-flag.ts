/** QARTOD flags as the screens show them. Pure. */
import type { LatestItem, ObservationQuality } from '@airtight/protocol';
import { FAIL, PASS, type QartodFlag, rollUp, SUSPECT } from '@airtight/standards/qartod.ts';

/** The stronger of two flags by 9 < 2 < 1 < 3 < 4. */
export function stronger(a: number, b: number): number {
  return rollUp([a as QartodFlag, b as QartodFlag]);
}

export function isDoubtful(flag: number): boolean {
  return flag === SUSPECT || flag === FAIL;
}

/** How a flag is coloured; its shape and its word say the same. */
export function toneOf(flag: number): 'good' | 'warn' | 'bad' | 'neutral' {
  if (flag === FAIL) return 'bad';
  if (flag === SUSPECT) return 'warn';
  return flag === PASS ? 'good' : 'neutral';
}

/** The strongest flag of a reading's values. */
export function worstOfLatest(latest: LatestItem | undefined): number | undefined {
  const flags = Object.values(latest?.values ?? {}).map(({ quality }) => quality.flag);
  return flags.length === 0 ? undefined : rollUp(flags as QartodFlag[]);
}

export interface TestCount {
  readonly test: string;
  readonly flag: number;
  readonly values: number;
}

/** Which tests are not pass, over several values: the strongest flag of each, and of how many values. A person's word comes first. */
export function testCounts(qualities: readonly ObservationQuality[]): TestCount[] {
  const counts = new Map<string, { flag: number; values: number }>();
  for (const { tests } of qualities)
    for (const [test, flag] of Object.entries(tests)) {
      const known = counts.get(test);
      if (known === undefined) counts.set(test, { flag, values: 1 });
      else counts.set(test, { flag: stronger(known.flag, flag), values: known.values + 1 });
    }
  return [...counts]
    .map(([test, { flag, values }]) => ({ test, flag, values }))
    .sort((a, b) => Number(b.test === 'manual') - Number(a.test === 'manual') || b.flag - a.flag);
}
