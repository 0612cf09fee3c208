/** Is a dataset definition one by which readings can be admitted? Asked before it enters the journal: afterwards it counts. */
import { isUnit, REFERENCE_STATES } from '@airtight/standards/units.ts';
import type { DatasetDefinition } from './control.ts';
import { TIME_MAX } from './measurement.ts';
import { isPropertyName } from './names.ts';
import { accept, type Outcome, refuse } from './outcome.ts';
import { PAYLOAD_MAX_BYTES } from './record.ts';
import { isTelemetryDataset } from './topic.ts';

/** A screen shows them all; a department's widest form has some hundred fields. */
const PROPERTIES_MAX = 512;
const TITLE_MAX_LENGTH = 200;
const YEAR_MS = 366 * 86_400_000;

type Fault = string | undefined;
type Json = { readonly [name: string]: unknown };

/** @returns the definition, or DATASET_INVALID with the member that is wrong */
export function checkDatasetRules(json: unknown): Outcome<DatasetDefinition> {
  if (!isObject(json)) return refuse('DATASET_INVALID', 'a definition is an object');
  const fault = headFault(json) ?? propertiesFault(json['properties']) ?? policyFault(json);
  return fault === undefined ? accept(json as unknown as DatasetDefinition) : refuse('DATASET_INVALID', fault);
}

function headFault({ type, dataset, title, cadenceMs }: Json): Fault {
  if (type !== 'dataset') return 'type is "dataset"';
  if (typeof dataset !== 'string' || !isTelemetryDataset(dataset)) return `dataset: ${JSON.stringify(dataset)} is no name for a dataset`;
  if (!isBilingual(title)) return 'title: texts "zh" and "en"';
  return isWhole(cadenceMs, 1, YEAR_MS) ? undefined : 'cadenceMs: whole milliseconds, 1 to a year';
}

function propertiesFault(properties: unknown): Fault {
  if (!isObject(properties)) return 'properties: an object';
  const names = Object.keys(properties);
  if (names.length > PROPERTIES_MAX) return `properties: at most ${PROPERTIES_MAX}`;
  for (const name of names) {
    const fault = isPropertyName(name) ? propertyFault(properties[name]) : 'is no property name';
    if (fault !== undefined) return `properties.${name.slice(0, 80)}: ${fault}`;
  }
  return undefined;
}

function propertyFault(property: unknown): Fault {
  if (!isObject(property)) return 'an object';
  const { title, unit, min, max, required, molarMass } = property;
  if (!isBilingual(title)) return 'title: texts "zh" and "en"';
  if (typeof unit !== 'string' || !isUnit(unit)) return `unit: ${JSON.stringify(unit)} is no UCUM unit that is known`;
  if (!isNumberOrAbsent(min) || !isNumberOrAbsent(max)) return 'min, max: numbers';
  if (typeof min === 'number' && typeof max === 'number' && min > max) return 'min lies above max';
  if (required !== undefined && typeof required !== 'boolean') return 'required: true or false';
  if (molarMass !== undefined && !(typeof molarMass === 'number' && molarMass > 0 && Number.isFinite(molarMass)))
    return 'molarMass: g/mol, above 0';
  return undefined;
}

function policyFault({ unknownProperties, payloadMaxBytes, clock, referenceState, index }: Json): Fault {
  if (unknownProperties !== undefined && unknownProperties !== 'flag' && unknownProperties !== 'refuse')
    return 'unknownProperties: "flag" or "refuse"';
  if (payloadMaxBytes !== undefined && !isWhole(payloadMaxBytes, 1, PAYLOAD_MAX_BYTES)) return `payloadMaxBytes: 1 to ${PAYLOAD_MAX_BYTES}`;
  if (referenceState !== undefined && !(typeof referenceState === 'string' && Object.hasOwn(REFERENCE_STATES, referenceState)))
    return `referenceState: one of ${Object.keys(REFERENCE_STATES).join(', ')}`;
  if (index !== undefined && index !== 'cn-aqi') return 'index: "cn-aqi"';
  if (clock === undefined) return undefined;
  if (!isObject(clock)) return 'clock: an object';
  const { futureMs, lateMs, refuseBeforeMs } = clock;
  for (const [name, value] of Object.entries({ futureMs, lateMs, refuseBeforeMs }))
    if (value !== undefined && !isWhole(value, 0, TIME_MAX)) return `clock.${name}: whole milliseconds`;
  return undefined;
}

function isObject(value: unknown): value is Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isBilingual(value: unknown): boolean {
  if (!isObject(value)) return false;
  return [value['zh'], value['en']].every((text) => typeof text === 'string' && text.length <= TITLE_MAX_LENGTH);
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

function isNumberOrAbsent(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value));
}
