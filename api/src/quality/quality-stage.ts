/**
 * The quality tests as a stage of the fold: takes every journal event in order and says which values are not pass. Its
 * state is bounded by the number of series, a pure function of the journal, and JSON: a stage revived from its state goes
 * on with the same verdicts (docs/reference/quality.md).
 */
import {
  type DatasetDefinition,
  type ErasureRecord,
  isAboveWhole,
  isBelowZero,
  isUnexpected,
  type Observation,
  type PropertyQuality,
} from '@airtight/protocol';
import { FAIL, flagOfHj212, PASS, type QartodFlag, SUSPECT } from '@airtight/standards/qartod.ts';
import type { DecodedReading, JournalEvent, ReadingsEvent } from '../decode/decoder.ts';
import { median, Neighbours, type StationPlace } from './neighbours.ts';
import { advance, type JudgedValue, newSeries, type SeriesRules, type SeriesState, seriesRulesOf } from './series-judge.ts';
import { bitsOf, FAILED_BITS, NO_BITS, type TestBits, type Verdict } from './verdict.ts';

const NONE: readonly Verdict[] = [];

/** JSON. */
export interface QualityState {
  readonly places: readonly (readonly [string, StationPlace])[];
  /** Dataset, property, producer. */
  readonly series: readonly (readonly [string, string, string, SeriesState])[];
}

type ByProducer = Map<string, SeriesState>;
type ByProperty = Map<string, ByProducer>;

interface Subject {
  readonly event: ReadingsEvent;
  readonly definition: DatasetDefinition;
  readonly reading: DecodedReading;
  readonly observation: Observation;
  readonly ordinal: number;
}

export class QualityStage {
  readonly #neighbours: Neighbours;
  readonly #series = new Map<string, ByProperty>();
  /** By definition and property: the readings of a dataset share them. */
  readonly #rules = new WeakMap<DatasetDefinition, Map<string, SeriesRules>>();

  constructor(state?: QualityState) {
    this.#neighbours = new Neighbours(state?.places);
    for (const [dataset, property, producer, series] of state?.series ?? [])
      this.#of(dataset, property).set(producer, { ...series, run: series.run && structuredClone(series.run) });
  }

  state(): QualityState {
    const series: [string, string, string, SeriesState][] = [];
    for (const [dataset, properties] of this.#series)
      for (const [property, producers] of properties)
        for (const [producer, one] of producers) series.push([dataset, property, producer, one]);
    return { places: this.#neighbours.places, series };
  }

  /** @returns what is not pass, of the event's own values and of the ones before that only now could be judged */
  take(event: JournalEvent): readonly Verdict[] {
    if (event.kind === 'control' && event.record.type === 'device') this.#neighbours.take(event.record);
    if (event.kind === 'control' && event.record.type === 'erasure') this.#forget(event.record);
    if (event.kind !== 'readings' || event.definition?.quality === undefined) return NONE;
    const { definition } = event;
    const verdicts: Verdict[] = [];
    let ordinal = 0;
    for (const reading of event.readings)
      for (const observation of reading.observations)
        this.#judge({ event, definition, reading, observation, ordinal: ordinal++ }, verdicts);
    return verdicts;
  }

  /** What was erased is no value to compare with: the series begin anew. */
  #forget({ producer, datasets }: ErasureRecord): void {
    for (const dataset of datasets) for (const producers of this.#series.get(dataset)?.values() ?? []) producers.delete(producer);
  }

  #judge({ event, definition, reading, observation, ordinal }: Subject, verdicts: Verdict[]): void {
    const { result, flags, observedProperty, phenomenonTime, receivedAt } = observation;
    if (typeof result !== 'number' || (flags.length > 0 && flags.some((flag) => flag === 'unit' || flag === 'property'))) return;
    const known = this.#rulesOf(definition, observedProperty);
    const ofProperty = this.#of(event.header.dataset, observedProperty);
    const alone = aloneBits(observation, reading, known.rules) | this.#neighbourBits(observation, known, ofProperty);
    const judged = { at: phenomenonTime, value: result, position: event.position, ordinal, receivedAt, bits: alone };
    const bits = this.#inSeries(judged, { observation, known, ofProperty }, verdicts);
    if (bits !== NO_BITS)
      verdicts.push({ observedProperty, phenomenonTime, receivedAt, judged: event.position, judgedOrdinal: ordinal, bits });
  }

  /** @returns all bits of the value; the verdict on the one before is added to `verdicts` when it is not what it was */
  #inSeries(
    judged: JudgedValue,
    { observation, known, ofProperty }: { readonly observation: Observation; readonly known: SeriesRules; readonly ofProperty: ByProducer },
    verdicts: Verdict[],
  ): TestBits {
    const { producer, observedProperty, flags } = observation;
    // A clock that runs ahead would make everything after it late.
    if (flags.length > 0 && flags.includes('future')) return judged.bits;
    const series = ofProperty.get(producer);
    if (series === undefined) {
      const fresh = newSeries(judged, known);
      ofProperty.set(producer, fresh);
      return fresh.bits;
    }
    if (judged.at <= series.at) return judged.bits;
    const { at, position, ordinal, receivedAt, bits } = series;
    const found = advance(series, judged, known);
    if (found !== NO_BITS) {
      const earlier = { phenomenonTime: at, receivedAt, judged: position, judgedOrdinal: ordinal };
      verdicts.push({ observedProperty, ...earlier, bits: bits | found });
    }
    return series.bits;
  }

  #neighbourBits(observation: Observation, { rules: { neighbours: rule }, cadenceMs }: SeriesRules, ofProperty: ByProducer): TestBits {
    if (rule === undefined) return NO_BITS;
    const { dataset, producer, phenomenonTime, result } = observation;
    const values: number[] = [];
    for (const other of this.#neighbours.of(producer, dataset, rule.withinKm)) {
      const newest = ofProperty.get(other);
      if (newest === undefined || (newest.bits & FAILED_BITS) !== 0) continue;
      if (Math.abs(newest.at - phenomenonTime) <= cadenceMs) values.push(newest.value);
    }
    if (values.length < rule.least) return NO_BITS;
    const distance = Math.abs((result as number) - median(values));
    const flag: QartodFlag = distance > (rule.fail ?? Infinity) ? FAIL : distance > (rule.suspect ?? Infinity) ? SUSPECT : PASS;
    return bitsOf('neighbours', flag);
  }

  #of(dataset: string, property: string): ByProducer {
    let properties = this.#series.get(dataset);
    if (properties === undefined) {
      properties = new Map();
      this.#series.set(dataset, properties);
    }
    let producers = properties.get(property);
    if (producers === undefined) {
      producers = new Map();
      properties.set(property, producers);
    }
    return producers;
  }

  #rulesOf(definition: DatasetDefinition, property: string): SeriesRules {
    let ofDefinition = this.#rules.get(definition);
    if (ofDefinition === undefined) {
      ofDefinition = new Map();
      this.#rules.set(definition, ofDefinition);
    }
    let rules = ofDefinition.get(property);
    if (rules === undefined) {
      rules = seriesRulesOf(definition.quality as NonNullable<DatasetDefinition['quality']>, property, definition.cadenceMs);
      ofDefinition.set(property, rules);
    }
    return rules;
  }
}

/** The tests that look at the value and its reading alone. */
function aloneBits({ result, flags }: Observation, reading: DecodedReading, rules: PropertyQuality): TestBits {
  const value = result as number;
  let bits = NO_BITS;
  for (const flag of flags) {
    // Outside the physical range of the definition.
    if (flag === 'range') bits |= bitsOf('gross_range', FAIL);
    else if (flag.startsWith('q=')) bits |= bitsOf('mark', flagOfHj212(flag.slice(2)));
  }
  if (isUnexpected(value, rules)) bits |= bitsOf('gross_range', SUSPECT);
  if (isBelowZero(value, rules)) bits |= bitsOf('negative', FAIL);
  const { notAbove } = rules;
  if (notAbove === undefined) return bits;
  const whole = reading.observations.find(({ observedProperty }) => observedProperty === notAbove);
  return isAboveWhole(value, whole) ? bits | bitsOf('not_above', SUSPECT) : bits;
}
