/**
 * Sparkplug B 3.0.0: topics (chapter 4) and the Protocol Buffers payload (chapter 6.4, package org.eclipse.tahu.protobuf).
 * Metadata, data sets, templates and nested property sets are passed through as the bytes they are.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

export const SPARKPLUG_NAMESPACE = 'spBv1.0';

export type SparkplugMessage = 'NBIRTH' | 'NDATA' | 'NDEATH' | 'NCMD' | 'DBIRTH' | 'DDATA' | 'DDEATH' | 'DCMD';
const NODE_MESSAGES: readonly string[] = ['NBIRTH', 'NDATA', 'NDEATH', 'NCMD'];
const DEVICE_MESSAGES: readonly string[] = ['DBIRTH', 'DDATA', 'DDEATH', 'DCMD'];

/** §4.2: `spBv1.0/{group}/{message}/{edge}[/{device}]`. */
export interface SparkplugTopic {
  readonly group: string;
  readonly message: SparkplugMessage;
  readonly edge: string;
  /** Of D… messages, and of these alone. */
  readonly device?: string;
}

/** @returns null for what is no topic name of an edge node, STATE included */
export function parseSparkplugTopic(topic: string): SparkplugTopic | null {
  const levels = topic.split('/');
  const [namespace, group = '', message = '', edge = '', device] = levels;
  if (namespace !== SPARKPLUG_NAMESPACE || levels.length > 5 || group === '' || edge === '' || device === '') return null;
  if (!(device === undefined ? NODE_MESSAGES : DEVICE_MESSAGES).includes(message)) return null;
  const node = { group, message: message as SparkplugMessage, edge };
  return device === undefined ? node : { ...node, device };
}

export function sparkplugTopic({ group, message, edge, device }: SparkplugTopic): string {
  return `${SPARKPLUG_NAMESPACE}/${group}/${message}/${edge}${device === undefined ? '' : `/${device}`}`;
}

/** §6.4.16. Arrays are 22 to 34. */
export const SPARKPLUG_TYPE = {
  ...{ Int8: 1, Int16: 2, Int32: 3, Int64: 4, UInt8: 5, UInt16: 6, UInt32: 7, UInt64: 8, Float: 9, Double: 10, Boolean: 11 },
  ...{ String: 12, DateTime: 13, Text: 14, UUID: 15, DataSet: 16, Bytes: 17, File: 18, Template: 19 },
} as const;

/** The value field that was sent, as it stands on the wire; its meaning depends on the datatype, which a birth may have told. */
export type SparkplugValue =
  | { readonly field: 'int'; readonly value: number }
  | { readonly field: 'float'; readonly value: number }
  | { readonly field: 'double'; readonly value: number }
  | { readonly field: 'long'; readonly value: bigint }
  | { readonly field: 'boolean'; readonly value: boolean }
  | { readonly field: 'string'; readonly value: string }
  | { readonly field: 'bytes' | 'dataset' | 'template' | 'extension'; readonly value: Uint8Array };

export interface SparkplugProperty {
  readonly key: string;
  readonly type?: number;
  readonly isNull?: boolean;
  readonly value?: SparkplugValue;
}

export interface SparkplugMetric {
  readonly name?: string;
  /** Decimal digits: a uint64 does not fit a number. */
  readonly alias?: string;
  /** Epoch ms. */
  readonly timestamp?: number;
  readonly datatype?: number;
  readonly isHistorical?: boolean;
  readonly isTransient?: boolean;
  readonly isNull?: boolean;
  readonly metadata?: Uint8Array;
  readonly properties?: readonly SparkplugProperty[];
  readonly value?: SparkplugValue;
}

export interface SparkplugPayload {
  /** Epoch ms. */
  readonly timestamp?: number;
  readonly metrics: readonly SparkplugMetric[];
  readonly seq?: number;
  readonly uuid?: string;
  readonly body?: Uint8Array;
}

/** More than an edge node has; an empty metric takes two bytes, so a payload of the largest size could name 131,072. */
export const SPARKPLUG_METRICS_MAX = 16_384;
/** Keys of one metric's property set. */
export const SPARKPLUG_PROPERTIES_MAX = 256;

type Fields<T> = { -readonly [K in keyof T]: T[K] };

/** Reads a payload. @returns why it is none: no Protocol Buffers, a field of another wire type, a number or a list too large */
export function decodeSparkplug(
  bytes: Uint8Array,
): { readonly ok: true; readonly payload: SparkplugPayload } | { readonly ok: false; readonly detail: string } {
  try {
    return { ok: true, payload: readPayload(bytes) };
  } catch (error) {
    // The reader throws on truncated and malformed input, and so do the checks below.
    return { ok: false, detail: error instanceof Error ? error.message : 'not readable' };
  }
}

function readPayload(bytes: Uint8Array): SparkplugPayload {
  const metrics: SparkplugMetric[] = [];
  const payload: Fields<SparkplugPayload> = { metrics };
  readFields(bytes, (field, wire, reader) => {
    if (field === 1) payload.timestamp = safe(uint64(reader, wire), 'timestamp');
    else if (field === 2) {
      if (metrics.push(readMetric(lengthDelimited(reader, wire))) > SPARKPLUG_METRICS_MAX)
        throw new RangeError(`more than ${SPARKPLUG_METRICS_MAX} metrics`);
    } else if (field === 3) payload.seq = safe(uint64(reader, wire), 'seq');
    else if (field === 4) payload.uuid = text(reader, wire);
    else if (field === 5) payload.body = lengthDelimited(reader, wire);
    else return false;
    return true;
  });
  return payload;
}

function readMetric(bytes: Uint8Array): SparkplugMetric {
  const metric: Fields<SparkplugMetric> = {};
  readFields(bytes, (field, wire, reader) => {
    if (field === 1) metric.name = text(reader, wire);
    else if (field === 2) metric.alias = String(uint64(reader, wire));
    else if (field === 3) metric.timestamp = safe(uint64(reader, wire), 'timestamp');
    else if (field === 4) metric.datatype = uint32(reader, wire);
    else if (field === 5) metric.isHistorical = bool(reader, wire);
    else if (field === 6) metric.isTransient = bool(reader, wire);
    else if (field === 7) metric.isNull = bool(reader, wire);
    else if (field === 8) metric.metadata = lengthDelimited(reader, wire);
    else if (field === 9) metric.properties = readProperties(lengthDelimited(reader, wire));
    else {
      const value = readValue(METRIC_VALUES[field - METRIC_VALUE_FIRST], reader, wire);
      if (value === undefined) return false;
      metric.value = value;
    }
    return true;
  });
  return metric;
}

const METRIC_VALUE_FIRST = 10;
/** Fields 10 to 19 of a metric, in order. */
const METRIC_VALUES = ['int', 'long', 'float', 'double', 'boolean', 'string', 'bytes', 'dataset', 'template', 'extension'] as const;
const PROPERTY_VALUE_FIRST = 3;
/** Fields 3 to 8 of a property value; 9 and 10 are nested sets, 11 is an extension. */
const PROPERTY_VALUES = ['int', 'long', 'float', 'double', 'boolean', 'string'] as const;

function readValue(kind: SparkplugValue['field'] | undefined, reader: BinaryReader, wire: WireType): SparkplugValue | undefined {
  switch (kind) {
    case undefined:
      return undefined;
    case 'int':
      return { field: kind, value: uint32(reader, wire) };
    case 'long':
      return { field: kind, value: uint64(reader, wire) };
    case 'float':
      expect(wire, WireType.Bit32);
      return { field: kind, value: reader.float() };
    case 'double':
      expect(wire, WireType.Bit64);
      return { field: kind, value: reader.double() };
    case 'boolean':
      return { field: kind, value: bool(reader, wire) };
    case 'string':
      return { field: kind, value: text(reader, wire) };
    default:
      return { field: kind, value: lengthDelimited(reader, wire) };
  }
}

/** §6.4.9: keys and values are two lists of one length. */
function readProperties(bytes: Uint8Array): readonly SparkplugProperty[] {
  const keys: string[] = [];
  const values: Omit<SparkplugProperty, 'key'>[] = [];
  readFields(bytes, (field, wire, reader) => {
    if (field === 1) keys.push(text(reader, wire));
    else if (field === 2) values.push(readPropertyValue(lengthDelimited(reader, wire)));
    else return false;
    if (keys.length > SPARKPLUG_PROPERTIES_MAX) throw new RangeError(`more than ${SPARKPLUG_PROPERTIES_MAX} properties of a metric`);
    return true;
  });
  if (keys.length !== values.length) throw new RangeError(`${keys.length} property keys for ${values.length} values`);
  return keys.map((key, i) => ({ key, ...values[i] }));
}

function readPropertyValue(bytes: Uint8Array): Omit<SparkplugProperty, 'key'> {
  const property: Fields<Omit<SparkplugProperty, 'key'>> = {};
  readFields(bytes, (field, wire, reader) => {
    if (field === 1) property.type = uint32(reader, wire);
    else if (field === 2) property.isNull = bool(reader, wire);
    else {
      const value = readValue(PROPERTY_VALUES[field - PROPERTY_VALUE_FIRST], reader, wire);
      if (value === undefined) return false;
      property.value = value;
    }
    return true;
  });
  return property;
}

/** Unknown fields are skipped, as Protocol Buffers ask for. @param take false for a field it does not know */
function readFields(bytes: Uint8Array, take: (field: number, wire: WireType, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (!take(field, wire, reader)) reader.skip(wire, field);
  }
}

function expect(found: WireType, wanted: WireType): void {
  if (found !== wanted) throw new RangeError(`wire type ${found} where ${wanted} belongs`);
}

function uint32(reader: BinaryReader, wire: WireType): number {
  expect(wire, WireType.Varint);
  return reader.uint32();
}

function uint64(reader: BinaryReader, wire: WireType): bigint {
  expect(wire, WireType.Varint);
  return BigInt(reader.uint64());
}

function bool(reader: BinaryReader, wire: WireType): boolean {
  expect(wire, WireType.Varint);
  return reader.bool();
}

function text(reader: BinaryReader, wire: WireType): string {
  expect(wire, WireType.LengthDelimited);
  return reader.string();
}

function lengthDelimited(reader: BinaryReader, wire: WireType): Uint8Array {
  expect(wire, WireType.LengthDelimited);
  return reader.bytes();
}

function safe(value: bigint, name: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${name} ${value}`);
  return Number(value);
}

/**
 * What a value means (§6.4.16): signed integers travel in two's complement in the unsigned fields, int8 to int32 as 32 bits.
 * @param datatype of the metric, or of the birth that defined it; undefined when nobody told it
 * @returns a number; a bigint where a number would not be exact; text, boolean; null for a value that is no scalar;
 *   undefined when the sign of an integer cannot be known without its datatype
 */
export function sparkplugScalar(sent: SparkplugValue, datatype: number | undefined): number | bigint | string | boolean | null | undefined {
  switch (sent.field) {
    case 'float':
    case 'double':
    case 'boolean':
    case 'string':
      return sent.value;
    case 'int':
      if (datatype === undefined) return undefined;
      if (datatype === SPARKPLUG_TYPE.Int8) return (sent.value << 24) >> 24;
      if (datatype === SPARKPLUG_TYPE.Int16) return (sent.value << 16) >> 16;
      return datatype === SPARKPLUG_TYPE.Int32 ? sent.value | 0 : sent.value;
    case 'long': {
      if (datatype === undefined) return undefined;
      const isSigned = datatype >= SPARKPLUG_TYPE.Int8 && datatype <= SPARKPLUG_TYPE.Int64;
      const value = isSigned ? BigInt.asIntN(64, sent.value) : sent.value;
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    default:
      return null;
  }
}

/** Writes a payload, fields in order of their numbers. */
export function encodeSparkplug({ timestamp, metrics, seq, uuid, body }: SparkplugPayload): Uint8Array {
  const writer = new BinaryWriter();
  if (timestamp !== undefined) writer.tag(1, WireType.Varint).uint64(timestamp);
  for (const metric of metrics) {
    writer.tag(2, WireType.LengthDelimited).fork();
    writeMetric(writer, metric);
    writer.join();
  }
  if (seq !== undefined) writer.tag(3, WireType.Varint).uint64(seq);
  if (uuid !== undefined) writer.tag(4, WireType.LengthDelimited).string(uuid);
  if (body !== undefined) writer.tag(5, WireType.LengthDelimited).bytes(body);
  return writer.finish();
}

function writeMetric(writer: BinaryWriter, metric: SparkplugMetric): void {
  const { name, alias, timestamp, datatype, isHistorical, isTransient, isNull, metadata, properties, value } = metric;
  if (name !== undefined) writer.tag(1, WireType.LengthDelimited).string(name);
  if (alias !== undefined) writer.tag(2, WireType.Varint).uint64(alias);
  if (timestamp !== undefined) writer.tag(3, WireType.Varint).uint64(timestamp);
  if (datatype !== undefined) writer.tag(4, WireType.Varint).uint32(datatype);
  if (isHistorical !== undefined) writer.tag(5, WireType.Varint).bool(isHistorical);
  if (isTransient !== undefined) writer.tag(6, WireType.Varint).bool(isTransient);
  if (isNull !== undefined) writer.tag(7, WireType.Varint).bool(isNull);
  if (metadata !== undefined) writer.tag(8, WireType.LengthDelimited).bytes(metadata);
  if (properties !== undefined) {
    writer.tag(9, WireType.LengthDelimited).fork();
    writeProperties(writer, properties);
    writer.join();
  }
  if (value !== undefined) writeValue(writer, METRIC_VALUE_FIRST + METRIC_VALUES.indexOf(value.field), value);
}

function writeProperties(writer: BinaryWriter, properties: readonly SparkplugProperty[]): void {
  for (const { key } of properties) writer.tag(1, WireType.LengthDelimited).string(key);
  for (const { type, isNull, value } of properties) {
    writer.tag(2, WireType.LengthDelimited).fork();
    if (type !== undefined) writer.tag(1, WireType.Varint).uint32(type);
    if (isNull !== undefined) writer.tag(2, WireType.Varint).bool(isNull);
    const index = (PROPERTY_VALUES as readonly (string | undefined)[]).indexOf(value?.field);
    if (value !== undefined && index >= 0) writeValue(writer, PROPERTY_VALUE_FIRST + index, value);
    writer.join();
  }
}

function writeValue(writer: BinaryWriter, field: number, sent: SparkplugValue): void {
  if (sent.field === 'int') writer.tag(field, WireType.Varint).uint32(sent.value);
  else if (sent.field === 'long') writer.tag(field, WireType.Varint).uint64(sent.value);
  else if (sent.field === 'float') writer.tag(field, WireType.Bit32).float(sent.value);
  else if (sent.field === 'double') writer.tag(field, WireType.Bit64).double(sent.value);
  else if (sent.field === 'boolean') writer.tag(field, WireType.Varint).bool(sent.value);
  else if (sent.field === 'string') writer.tag(field, WireType.LengthDelimited).string(sent.value);
  else writer.tag(field, WireType.LengthDelimited).bytes(sent.value);
}
