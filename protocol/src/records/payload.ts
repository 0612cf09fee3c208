/**
 * From the bytes that were sent to readings, whatever form they have. Ingest reads a payload so to admit it, the api to
 * project it: one reader, so both agree. What form it is follows from the record's content type and the dataset's
 * definition, and both stand in the journal: reading an old record again gives the same.
 */
import { isLorawanUplink } from '@airtight/standards/lorawan-uplink.ts';
import { parseSenmlCbor } from '@airtight/standards/senml-cbor.ts';
import type { DatasetDefinition } from '../control.ts';
import { toDocumentReadings } from '../formats/document-readings.ts';
import { toHj212Readings } from '../formats/hj212-readings.ts';
import { parseJson } from '../formats/json-text.ts';
import { toLorawanReadings } from '../formats/lorawan-readings.ts';
import { toSenmlReadings } from '../formats/senml-readings.ts';
import { type SparkplugBirth, toSparkplugReadings } from '../formats/sparkplug-readings.ts';
import { type Outcome, refuse } from '../outcome.ts';
import { type Reading, toJsonReadings } from './reading.ts';

export const JSON_TYPE = 'application/json';
/** RFC 8428 §12.3.1. */
export const SENML_JSON_TYPE = 'application/senml+json';
/** RFC 8428 §12.3.2. */
export const SENML_CBOR_TYPE = 'application/senml+cbor';
/** Sparkplug has no registered media type; this one is ours. */
export const SPARKPLUG_MEDIA_TYPE = 'application/vnd.sparkplug-b+protobuf';
/** A data segment of HJ 212 without its password; not registered, ours. */
export const HJ212_MEDIA_TYPE = 'application/vnd.hj212';
/** One JSON payload on each line. */
export const NDJSON_TYPE = 'application/x-ndjson';
/** What `POST /api/v1/records` takes. */
export const UPLOAD_TYPES: readonly string[] = [JSON_TYPE, NDJSON_TYPE, SENML_JSON_TYPE, SENML_CBOR_TYPE];

export interface PayloadContext {
  /** Media type in the record's header. */
  readonly contentType: string;
  /** Epoch ms in the record's header: relative times refer to it. */
  readonly receivedAt: number;
  /** The dataset as it was defined before the record; absent for a dataset that nobody defined. */
  readonly definition: DatasetDefinition | undefined;
  /** MQTT topic name in the record's header: what a Sparkplug payload says depends on it. */
  readonly topic?: string | undefined;
  /** The Sparkplug birth that the record's header refers to. */
  readonly birth?: SparkplugBirth | undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * @returns readings in payload order, none for what is no measurement (an uplink without application data); or
 *   FORMAT_UNKNOWN, PAYLOAD_NOT_JSON, PAYLOAD_SHAPE, TIME_INVALID, NUMBER_NOT_FINITE, DATASET_INVALID,
 *   HJ212_MALFORMED, SPARKPLUG_BIRTH_MISSING, SPARKPLUG_BIRTH_INVALID, SPARKPLUG_DEATH_STALE
 */
export function readPayload(payload: Uint8Array, context: PayloadContext): Outcome<readonly Reading[]> {
  switch (context.contentType) {
    case JSON_TYPE:
      return readJson(payload, context);
    case SENML_JSON_TYPE:
      return readSenmlJson(payload, context.receivedAt);
    case SENML_CBOR_TYPE:
      return readSenmlCbor(payload, context.receivedAt);
    case SPARKPLUG_MEDIA_TYPE:
      return toSparkplugReadings(payload, context);
    case HJ212_MEDIA_TYPE:
      return toHj212Readings(payload);
    default:
      return refuse('FORMAT_UNKNOWN', context.contentType);
  }
}

/** What JSON means follows from the dataset first, then from the content (docs/reference/formats.md). */
function readJson(payload: Uint8Array, { receivedAt, definition }: PayloadContext): Outcome<readonly Reading[]> {
  const json = jsonOf(payload);
  if (!json.ok) return json;
  if (definition?.document !== undefined) return toDocumentReadings(json.value, definition.document);
  if (isLorawanUplink(json.value)) return toLorawanReadings(json.value, definition?.codec);
  return toJsonReadings(json.value, receivedAt);
}

function readSenmlJson(payload: Uint8Array, receivedAt: number): Outcome<readonly Reading[]> {
  const json = jsonOf(payload);
  if (!json.ok) return json;
  return Array.isArray(json.value) ? toSenmlReadings(json.value, receivedAt) : refuse('PAYLOAD_SHAPE', 'SenML pack, an array is wanted');
}

function readSenmlCbor(payload: Uint8Array, receivedAt: number): Outcome<readonly Reading[]> {
  const parsed = parseSenmlCbor(payload);
  return parsed.ok ? toSenmlReadings(parsed.pack, receivedAt) : refuse('PAYLOAD_SHAPE', `SenML ${parsed.reason}, ${parsed.detail}`);
}

function jsonOf(payload: Uint8Array): Outcome<unknown> {
  const text = textOf(payload);
  return text === undefined ? refuse('PAYLOAD_NOT_JSON', 'the bytes are not UTF-8') : parseJson(text);
}

/** The media type of a payload that comes by a door that names none. */
export function contentTypeOf(payload: Uint8Array): string {
  // An array in CBOR begins with 0x80 to 0x9F (RFC 8949 §3.1): no text in UTF-8 does.
  return ((payload[0] ?? 0) & 0xe0) === 0x80 ? SENML_CBOR_TYPE : JSON_TYPE;
}

function textOf(payload: Uint8Array): string | undefined {
  try {
    return utf8.decode(payload);
  } catch {
    return undefined;
  }
}
