/** Dataset definitions come from people: what enters as one is checked here, wherever it enters. */
import { CAP_CATEGORIES } from '@airtight/standards/cap.ts';
import { codecFault } from '@airtight/standards/lorawan-codec.ts';
import { isUnit, REFERENCE_STATES } from '@airtight/standards/units.ts';
import type { Bilingual, DatasetDefinition, DocumentDefinition } from '../control.ts';
import { schemaFault } from '../formats/document-schema.ts';
import { isJsonPointer } from '../formats/json-pointer.ts';
import { isTelemetryDataset } from '../interfaces/topic.ts';
import { isPropertyName } from '../names.ts';
import { accept, type Outcome, refuse } from '../outcome.ts';
import { qualityFault } from '../quality/quality-rules.ts';
import { MEASUREMENTS_MAX, TIME_MAX } from '../records/measurement.ts';
import { PAYLOAD_MAX_BYTES } from '../records/record.ts';

/** A hundred is a large station. */
export const PROPERTIES_MAX = 1000;
const TITLE_MAX_LENGTH = 256;
/** A thousand years: longer is for ever. */
const RETENTION_DAYS_MAX = 366_000;
const YEAR_MS = 366 * 86_400_000;

type Members = { readonly [member: string]: unknown };
/** What is wrong with the value of a member; undefined when nothing is. */
type FaultOf = (value: unknown) => string | undefined;

/** The members whose faults are looked for here. */
const FAULTS: { readonly [member: string]: FaultOf } = {
  type: (value) => (value === 'dataset' ? undefined : '"dataset" is wanted'),
  dataset: (value) => (typeof value === 'string' && isTelemetryDataset(value) ? undefined : 'no name that a dataset may have'),
  title: titleFault,
  cadenceMs: wholeFault(1, YEAR_MS),
  properties: propertiesFault,
  unknownProperties: optional(choiceFault(['flag', 'refuse'])),
  payloadMaxBytes: optional(wholeFault(1, PAYLOAD_MAX_BYTES)),
  retentionDays: optional(retentionFault),
  clock: optional(clockFault),
  confidential: optional((value) => (typeof value === 'boolean' ? undefined : 'true or false')),
  forecast: optional((value) => (typeof value === 'boolean' ? undefined : 'true or false')),
  category: optional(choiceFault(CAP_CATEGORIES)),
  referenceState: optional(choiceFault(Object.keys(REFERENCE_STATES))),
  index: optional(choiceFault(['cn-aqi'])),
};

/** @returns the value as a definition; or DATASET_INVALID with the member that is missing or wrong */
export function checkDatasetDefinition(value: unknown): Outcome<DatasetDefinition> {
  if (!isObject(value)) return refuse('DATASET_INVALID', 'an object is wanted');
  for (const [member, faultOf] of Object.entries(FAULTS)) {
    const fault = faultOf(value[member]);
    if (fault !== undefined) return refuse('DATASET_INVALID', `${member}: ${fault}`);
  }
  const fault = formatsFault(value) ?? testsFault(value);
  return fault === undefined ? accept(value as unknown as DatasetDefinition) : refuse('DATASET_INVALID', fault);
}

/**
 * What a later version of a definition may not change: records that were public stay so, and those that were confidential.
 * @returns what is wrong with it; undefined when nothing is
 */
export function successionFault(earlier: DatasetDefinition | undefined, later: DatasetDefinition): string | undefined {
  if (earlier === undefined || (earlier.confidential === true) === (later.confidential === true)) return undefined;
  return `confidential: the first definition of ${later.dataset} says ${earlier.confidential === true}`;
}

/** Of a value whose other members are right. */
function testsFault({ quality, properties, cadenceMs }: Members): string | undefined {
  const fault = quality === undefined ? undefined : qualityFault(quality, Object.keys(properties as object), cadenceMs as number);
  if (fault !== undefined) return `quality: ${fault}`;
  const units = properties as DatasetDefinition['properties'];
  for (const [name, { notAbove }] of Object.entries((quality as DatasetDefinition['quality'])?.properties ?? {}))
    if (notAbove !== undefined && units[notAbove.property]?.unit !== units[name]?.unit)
      return `quality: properties: ${name}: notAbove: another unit`;
  return undefined;
}

/** @returns what is wrong with the members of a definition that say how its payloads are read; undefined when nothing is */
export function formatsFault({ codec, document }: { readonly codec?: unknown; readonly document?: unknown }): string | undefined {
  const inCodec = codec === undefined ? undefined : codecFault(codec, isPropertyName);
  if (inCodec !== undefined) return `codec: ${inCodec}`;
  const inDocument = document === undefined ? undefined : documentFault(document);
  return inDocument === undefined ? undefined : `document: ${inDocument}`;
}

function titleFault(value: unknown): string | undefined {
  const { zh, en } = (isObject(value) ? value : {}) as Partial<Bilingual>;
  const isText = (text: unknown): boolean => typeof text === 'string' && text.length > 0 && text.length <= TITLE_MAX_LENGTH;
  return isText(zh) && isText(en) ? undefined : 'zh and en are wanted';
}

function propertiesFault(value: unknown): string | undefined {
  if (!isObject(value) || Object.keys(value).length > PROPERTIES_MAX) return `an object of at most ${PROPERTIES_MAX} properties`;
  for (const [name, property] of Object.entries(value)) {
    const fault = isPropertyName(name) ? propertyFault(property) : 'no name that a property may have';
    if (fault !== undefined) return `${name.slice(0, 64)}: ${fault}`;
  }
  return undefined;
}

function propertyFault(property: unknown): string | undefined {
  if (!isObject(property)) return 'title and unit are wanted';
  const { title, unit, min = -Infinity, max = Infinity, required = false, molarMass = 1 } = property as { [member: string]: unknown };
  if (typeof unit !== 'string' || !isUnit(unit)) return `unit: ${JSON.stringify(unit)?.slice(0, 64)} is no UCUM unit that is known`;
  if (typeof min !== 'number' || typeof max !== 'number' || !(min <= max)) return 'min and max are numbers, min the smaller';
  if (typeof required !== 'boolean') return 'required: true or false';
  if (typeof molarMass !== 'number' || !(molarMass > 0 && molarMass < Infinity)) return 'molarMass: g/mol, above 0';
  const fault = titleFault(title);
  return fault === undefined ? undefined : `title: ${fault}`;
}

function retentionFault(value: unknown): string | undefined {
  const isPeriod = typeof value === 'number' && value > 0 && value <= RETENTION_DAYS_MAX;
  return isPeriod ? undefined : `a number of days above 0, at most ${RETENTION_DAYS_MAX}`;
}

function clockFault(value: unknown): string | undefined {
  if (!isObject(value)) return 'an object is wanted';
  for (const member of ['futureMs', 'lateMs', 'refuseBeforeMs']) {
    const fault = optional(wholeFault(0, TIME_MAX))(value[member]);
    if (fault !== undefined) return `${member}: ${fault}`;
  }
  return undefined;
}

/** @returns what is wrong with the `document` of a definition; undefined when nothing is */
export function documentFault(value: unknown): string | undefined {
  if (!isObject(value)) return 'schema, time and values are wanted';
  const known = ['schema', 'items', 'time', 'id', 'values'] satisfies (keyof DocumentDefinition)[];
  const stranger = Object.keys(value).find((member) => !(known as readonly string[]).includes(member));
  if (stranger !== undefined) return `${stranger.slice(0, 64)}: there is no such member`;
  const { schema, items = '', time, id = '', values } = value as { [member: string]: unknown };
  for (const [name, pointer] of Object.entries({ items, time, id }))
    if (!isJsonPointer(pointer)) return `${name}: a JSON Pointer is wanted`;
  const pointers = isObject(values) ? Object.entries(values) : [];
  if (pointers.length === 0 || pointers.length > MEASUREMENTS_MAX) return `values: 1 to ${MEASUREMENTS_MAX} properties`;
  const wrong = pointers.find(([property, pointer]) => !isPropertyName(property) || !isJsonPointer(pointer));
  if (wrong !== undefined) return `values: ${wrong[0].slice(0, 64)}: a property name and a JSON Pointer are wanted`;
  const fault = schemaFault(schema);
  return fault === undefined ? undefined : `schema: ${fault}`;
}

function isObject(json: unknown): json is Members {
  return json !== null && typeof json === 'object' && !Array.isArray(json);
}

function optional(faultOf: FaultOf): FaultOf {
  return (value) => (value === undefined ? undefined : faultOf(value));
}

function choiceFault(choices: readonly string[]): FaultOf {
  return (value) => (choices.includes(value as string) ? undefined : `one of ${choices.join(', ')} is wanted`);
}

function wholeFault(min: number, max: number): FaultOf {
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `a whole number from ${min} to ${max}`;
}
