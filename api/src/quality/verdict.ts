/** What the tests have said of one value. */
import { QUALITY_TESTS, type QualityTest } from '@airtight/protocol';
import { FAIL, PASS, type QartodFlag, SUSPECT } from '@airtight/standards/qartod.ts';

/**
 * Results of all tests in one number, two bits per test in the order of QUALITY_TESTS: 2 suspect, 3 fail, 0 neither. So
 * rolling up is an OR, and a series keeps them at no cost.
 */
export type TestBits = number;

export const NO_BITS: TestBits = 0;
const SUSPECT_BITS = 2;
const FAIL_BITS = 3;

const SHIFT_OF = Object.fromEntries(QUALITY_TESTS.map((test, at) => [test, 2 * at])) as { readonly [test in QualityTest]: number };

/** A verdict that is not pass. A later one about the same value takes the place of an earlier one. */
export interface Verdict {
  readonly observedProperty: string;
  readonly phenomenonTime: number;
  /** receivedAt of the record that holds the value. */
  readonly receivedAt: number;
  /** Which value: journal position of its record, and its place among the record's observations. */
  readonly judged: number;
  readonly judgedOrdinal: number;
  readonly bits: TestBits;
}

/** @returns the bits of one test's flag: none for pass, not evaluated and missing */
export function bitsOf(test: QualityTest, flag: QartodFlag): TestBits {
  if (flag === PASS) return NO_BITS;
  if (flag === FAIL) return FAIL_BITS << SHIFT_OF[test];
  return flag === SUSPECT ? SUSPECT_BITS << SHIFT_OF[test] : NO_BITS;
}

/** One test at least has failed when, of its two bits, the lower one is set. */
export const FAILED_BITS: TestBits = QUALITY_TESTS.reduce((bits, test) => bits | (1 << SHIFT_OF[test]), NO_BITS);

/** Roll-up of what is not pass: 4 when a test failed, 3 when one found it suspect, else 1. */
export function worstOf(bits: TestBits): 1 | 3 | 4 {
  if (bits === NO_BITS) return PASS;
  return (bits & FAILED_BITS) === 0 ? SUSPECT : FAIL;
}

/** The tests that are not pass, with their flags. */
export function testsIn(bits: TestBits): { [test: string]: number } {
  const tests: { [test: string]: number } = {};
  for (const test of QUALITY_TESTS) {
    const found = (bits >> SHIFT_OF[test]) & FAIL_BITS;
    if (found !== 0) tests[test] = found === FAIL_BITS ? FAIL : SUSPECT;
  }
  return tests;
}

/** The same as text: `gross_range=4 spike=3`. */
export function testsText(bits: TestBits): string {
  const texts: string[] = [];
  const tests = testsIn(bits);
  for (const test in tests) texts.push(`${test}=${tests[test]}`);
  return texts.join(' ');
}

/** Bits of such a text. */
export function bitsIn(text: string): TestBits {
  let bits = NO_BITS;
  for (const [test, flag] of Object.entries(testsOf(text))) bits |= bitsOf(test as QualityTest, flag as QartodFlag);
  return bits;
}

/** The same read again. */
export function testsOf(text: string): { [test: string]: number } {
  return Object.fromEntries(
    text
      .split(' ')
      .filter((part) => part !== '')
      .map((part) => {
        const [test, flag] = part.split('=') as [string, string];
        return [test, Number(flag)];
      }),
  );
}
