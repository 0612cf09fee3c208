/** How a value is judged, as readers are told: what the tests found, and over it a person's word. */
import { type DatasetDefinition, hasTests, type Observation, type ObservationQuality } from '@airtight/protocol';
import { NOT_EVALUATED, PASS, type QartodFlag } from '@airtight/standards/qartod.ts';
import type { ManualFlags } from '../control/manual-flags.ts';
import { NO_BITS, type TestBits, testsIn, worstOf } from './verdict.ts';

export type JudgedObservation = Pick<
  Observation,
  'dataset' | 'producer' | 'observedProperty' | 'phenomenonTime' | 'result' | 'flags' | 'position'
>;

/**
 * @param bits of the tests that are not pass
 * @param definition of the dataset as it stood for the value's record
 */
export function qualityOf(
  observation: JudgedObservation,
  bits: TestBits,
  definition: DatasetDefinition | undefined,
  flags: Pick<ManualFlags, 'inForce'>,
): ObservationQuality {
  if (bits !== NO_BITS) return withManual(observation, { flag: worstOf(bits), tests: testsIn(bits) }, flags);
  return withManual(observation, { flag: passOf(observation, definition), tests: {} }, flags);
}

/** Of a value whose tests found nothing. */
export function passOf({ observedProperty, result, flags }: JudgedObservation, definition: DatasetDefinition | undefined): QartodFlag {
  const isJudged = typeof result === 'number' && !flags.includes('unit') && hasTests(definition, observedProperty);
  return isJudged ? PASS : NOT_EVALUATED;
}

/** A person's word takes the place of the rolled-up flag; what the tests found stays beside it. */
export function withManual(
  observation: JudgedObservation,
  found: ObservationQuality,
  flags: Pick<ManualFlags, 'inForce'>,
): ObservationQuality {
  const { phenomenonTime } = observation;
  const manual = flags.inForce(observation).find(({ from, to }) => phenomenonTime >= from && phenomenonTime < to);
  if (manual === undefined || manual.flag === null) return found;
  return { flag: manual.flag, tests: { ...found.tests, manual: manual.flag } };
}
