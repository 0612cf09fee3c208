/**
 * What an input may accept of a value's quality. Only verdicts that follow from records which an alert's evidence can hold:
 * tests that look at the value and its own reading alone, and a person's word in `sys.flags`. A verdict that rests on the values
 * before, after and around it would need all of those, back to the beginning; a contract says the same with windows.
 */
import {
  type DatasetDefinition,
  type Flag,
  type FlagRecord,
  isAboveWhole,
  isBelowZero,
  isUnexpected,
  type Observation,
  type PropertyQuality,
} from '@airtight/protocol';

/** In order of their QARTOD flags 1 to 4. */
export const VERDICTS = ['pass', 'not_evaluated', 'suspect', 'fail'] as const;
export type Verdict = (typeof VERDICTS)[number];
export type Verdicts = { readonly [property: string]: Verdict };

/** Rules of the properties that have a test of this kind. */
export type ValueTests = ReadonlyMap<string, PropertyQuality>;

export function valueTestsOf({ quality }: DatasetDefinition): ValueTests | undefined {
  const tests = Object.entries(quality?.properties ?? {}).filter(
    ([, { expected, negative, notAbove }]) => expected !== undefined || negative === true || notAbove !== undefined,
  );
  return tests.length === 0 ? undefined : new Map(tests);
}

/** @param reading observations of the same producer and moment @returns undefined for pass, and for what has no such test */
export function testVerdict(
  { observedProperty, result }: Observation,
  reading: readonly Observation[],
  tests: ValueTests,
): Verdict | undefined {
  const rules = typeof result === 'number' ? tests.get(observedProperty) : undefined;
  if (rules === undefined) return undefined;
  const value = result as number;
  if (isBelowZero(value, rules)) return 'fail';
  if (isUnexpected(value, rules)) return 'suspect';
  const { notAbove } = rules;
  const isAbove =
    notAbove !== undefined &&
    isAboveWhole(
      value,
      reading.find((other) => other.observedProperty === notAbove),
    );
  return isAbove ? 'suspect' : undefined;
}

/** What a person said of one producer's values in one dataset; the newest last. */
export type PersonsWords = readonly FlagRecord[];

/** @returns by property, of those that a person has judged at this time; null: none */
export function personsVerdicts(words: PersonsWords, at: number, properties: readonly string[]): Verdicts | null {
  let verdicts: { [property: string]: Verdict } | null = null;
  for (const property of properties) {
    const word = words.findLast(({ observedProperty, from, to }) => observedProperty === property && at >= from && at < to);
    if (word === undefined) continue;
    verdicts ??= {};
    verdicts[property] = VERDICTS[(word.flag as number) - 1] as Verdict;
  }
  return verdicts;
}

/** A flag that says what a test found: a person's word takes its place too. */
export function isTestFlag(flag: Flag): boolean {
  return flag === 'range' || flag.startsWith('q=');
}
