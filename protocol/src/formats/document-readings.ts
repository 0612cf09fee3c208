/** Department records: JSON documents that the dataset's schema describes, as readings. The whole document stays the record. */
import type { DocumentDefinition } from '../control.ts';
import { documentFault } from '../datasets/dataset-definition.ts';
import { isMessageName } from '../names.ts';
import { accept, type Outcome, type Refusal, refuse } from '../outcome.ts';
import { type Measurement, READINGS_MAX, timeOf, toPlainMeasurement } from '../records/measurement.ts';
import type { Reading } from '../records/reading.ts';
import { DocumentSchema } from './document-schema.ts';
import { valueAt } from './json-pointer.ts';

/** A schema is prepared once; a definition never changes. A text says what is wrong with it. */
const prepared = new WeakMap<DocumentDefinition, DocumentSchema | string>();

function schemaOf(definition: DocumentDefinition): DocumentSchema | string {
  let schema = prepared.get(definition);
  if (schema === undefined) {
    schema = documentFault(definition) ?? new DocumentSchema(definition.schema);
    prepared.set(definition, schema);
  }
  return schema;
}

/**
 * @returns readings in the order of the document; PAYLOAD_SHAPE with the JSON Pointer and the keyword that failed, TIME_INVALID,
 *   NUMBER_NOT_FINITE; DATASET_INVALID when the definition itself is faulty
 */
export function toDocumentReadings(json: unknown, definition: DocumentDefinition): Outcome<readonly Reading[]> {
  const schema = schemaOf(definition);
  if (typeof schema === 'string') return refuse('DATASET_INVALID', `document: ${schema}`);
  const fault = schema.faultOf(json);
  if (fault !== undefined) return refuse('PAYLOAD_SHAPE', `document ${fault}`);
  const { items: pointer } = definition;
  const items = pointer === undefined ? [json] : valueAt(json, pointer);
  if (!Array.isArray(items) || items.length === 0 || items.length > READINGS_MAX) {
    return refuse('PAYLOAD_SHAPE', `document ${pointer}: an array of 1 to ${READINGS_MAX} items`);
  }
  const readings: Reading[] = [];
  for (const [index, item] of items.entries()) {
    const reading = toReading(item, definition, pointer === undefined ? '' : `${pointer}/${index}`);
    if ('ok' in reading) return reading;
    readings.push(reading);
  }
  return accept(readings);
}

function toReading(item: unknown, { time: timeAt, id: idAt, values }: DocumentDefinition, at: string): Reading | Refusal {
  const time = timeOf(valueAt(item, timeAt));
  if (time === undefined) return refuse('TIME_INVALID', `document ${at}${timeAt}: epoch milliseconds or RFC 3339 with zone`);
  const id = idAt === undefined ? undefined : valueAt(item, idAt);
  if (idAt !== undefined && !isId(id)) return refuse('PAYLOAD_SHAPE', `document ${at}${idAt}: 1 to 128 characters, or a whole number`);
  const measurements: Measurement[] = [];
  for (const [property, valuePointer] of Object.entries(values)) {
    const value = valueAt(item, valuePointer);
    if (value === undefined || value === null) continue;
    const measurement = toPlainMeasurement(property, value);
    if ('ok' in measurement) return refuse(measurement.code, `document ${at}${valuePointer}: ${measurement.detail}`);
    measurements.push(measurement);
  }
  if (measurements.length === 0) return refuse('PAYLOAD_SHAPE', `document ${at}: none of the values is there`);
  return id === undefined ? { time, measurements } : { messageId: `id:${id}`, time, measurements };
}

function isId(id: unknown): boolean {
  return isMessageName(id) || Number.isSafeInteger(id);
}
