/**
 * What a dataset's definition demands of a reading, made ready for use once per definition. Admission refuses by it, and
 * projection flags and converts by it, so both come to the same result whenever a record is read.
 */
import { applyConversion, type Conversion, conversionOf, type UnitFault } from '@airtight/standards/units.ts';
import type { DatasetDefinition, PropertyDefinition } from '../control.ts';
import { type Refusal, refuse } from '../outcome.ts';
import type { Measurement } from '../records/measurement.ts';
import type { Reading } from '../records/reading.ts';
import { PAYLOAD_MAX_BYTES } from '../records/record.ts';

/** An hourly value may come a full hour after its hour began; anything older was held back somewhere. */
export const LATE_AFTER_MS = 2 * 3_600_000;
/** Devices without a battery clock drift by minutes; more is a wrong clock. */
export const FUTURE_AFTER_MS = 5 * 60_000;
/** Conversions remembered per definition: devices use a handful of units, and a flood of odd ones must not fill the memory. */
const CONVERSIONS_MAX = 1000;

export class DatasetRules {
  readonly futureMs: number;
  readonly lateMs: number;
  /** Epoch ms. */
  readonly earliest: number;
  readonly payloadMaxBytes: number;
  /** True when it takes the parser to judge a reading: it must be known which properties there are, or documents are wanted. */
  readonly asksForParser: boolean;
  readonly #definition: DatasetDefinition;
  readonly #required: readonly string[];
  /** By property, then by unit as it is sent; null: there is nothing to convert. */
  readonly #conversions = new Map<string, Map<string, Conversion | null>>();
  #conversionsCount = 0;

  constructor(definition: DatasetDefinition) {
    this.#definition = definition;
    this.futureMs = definition.forecast === true ? Number.POSITIVE_INFINITY : (definition.clock?.futureMs ?? FUTURE_AFTER_MS);
    this.lateMs = definition.clock?.lateMs ?? LATE_AFTER_MS;
    this.earliest = definition.clock?.refuseBeforeMs ?? 0;
    this.payloadMaxBytes = definition.payloadMaxBytes ?? PAYLOAD_MAX_BYTES;
    this.#required = Object.keys(definition.properties).filter((name) => definition.properties[name]?.required === true);
    this.asksForParser = definition.unknownProperties === 'refuse' || this.#required.length > 0 || definition.document !== undefined;
  }

  property(name: string): PropertyDefinition | undefined {
    return Object.hasOwn(this.#definition.properties, name) ? this.#definition.properties[name] : undefined;
  }

  /** How a value of this property, sent in `unit`, becomes one in the dataset's unit; null: there is nothing to convert. */
  conversion(property: string, unit: string): Conversion | UnitFault | null {
    const known = this.#conversions.get(property)?.get(unit);
    return known === undefined ? this.#findConversion(property, unit) : known;
  }

  #findConversion(property: string, unit: string): Conversion | UnitFault | null {
    const expected = this.property(property);
    if (expected === undefined) return null;
    const gas = { molarMass: expected.molarMass, referenceState: this.#definition.referenceState };
    const conversion = expected.unit === unit ? null : conversionOf(unit, expected.unit, gas);
    if (typeof conversion !== 'string' && this.#conversionsCount < CONVERSIONS_MAX) {
      this.#conversionsCount++;
      const ofProperty = this.#conversions.get(property) ?? new Map<string, Conversion | null>();
      this.#conversions.set(property, ofProperty.set(unit, conversion));
    }
    return conversion;
  }

  /** True when a value of this property may be sent in `unit`. */
  takesUnit(property: string, unit: string): boolean {
    return typeof this.conversion(property, unit) !== 'string';
  }

  /** @returns TIME_TOO_EARLY, PROPERTY_UNKNOWN, PROPERTY_MISSING, UNIT_UNKNOWN, UNIT_INCOMPATIBLE, NUMBER_NOT_FINITE; undefined when all is admissible */
  faultOf(readings: readonly Reading[]): Refusal | undefined {
    for (const { time, measurements } of readings) {
      if (time < this.earliest) return refuse('TIME_TOO_EARLY', `${time} ms; the earliest is ${this.earliest}`);
      for (const measurement of measurements) {
        const fault = this.#faultOfOne(measurement);
        if (fault !== undefined) return fault;
      }
      const missing = this.#required.find((name) => !measurements.some(({ property }) => property === name));
      if (missing !== undefined) return refuse('PROPERTY_MISSING', missing);
    }
    return undefined;
  }

  #faultOfOne({ property, result, unit }: Measurement): Refusal | undefined {
    const expected = this.property(property);
    if (expected === undefined) return this.#definition.unknownProperties === 'refuse' ? refuse('PROPERTY_UNKNOWN', property) : undefined;
    // A unit beside a text or a truth value says nothing: SenML's base unit stands for every record of a pack.
    if (unit === undefined || typeof result !== 'number') return undefined;
    const conversion = this.conversion(property, unit);
    if (conversion === null) return undefined;
    const [sent, wanted] = [JSON.stringify(unit), JSON.stringify(expected.unit)];
    if (conversion === 'unknown') return refuse('UNIT_UNKNOWN', `${property}: ${sent}; the dataset's unit is ${wanted}`);
    if (conversion === 'incompatible')
      return refuse('UNIT_INCOMPATIBLE', `${property}: ${sent} is no unit of what is measured in ${wanted}`);
    if (conversion === 'state') {
      return refuse('UNIT_INCOMPATIBLE', `${property}: ${sent} to ${wanted} needs the dataset's molarMass and referenceState`);
    }
    return Number.isFinite(applyConversion(result, conversion)) ? undefined : refuse('NUMBER_NOT_FINITE', property);
  }
}

const known = new WeakMap<DatasetDefinition, DatasetRules>();
/** The readings of a device come one after the other: the last definition is the likely one. */
let last: { readonly definition: DatasetDefinition; readonly rules: DatasetRules } | undefined;

/** The rules of a definition, the same object for the same definition. */
export function rulesOf(definition: DatasetDefinition): DatasetRules {
  if (last?.definition === definition) return last.rules;
  const rules = known.get(definition) ?? new DatasetRules(definition);
  known.set(definition, rules);
  last = { definition, rules };
  return rules;
}
