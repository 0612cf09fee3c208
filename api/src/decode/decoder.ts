/** From journal frames to what the later stages work on. A pure function of the record and of what stands before it. */
import {
  AirtightError,
  ALERTS_DATASET,
  type AlertTransition,
  airIndexOf,
  CONTROL_PREFIX,
  type ControlRecord,
  DATASETS_DATASET,
  type DatasetDefinition,
  type DatasetRegistry,
  decodeExpired,
  decodeRecord,
  isExpiredBody,
  type Observation,
  type RecordHeader,
  readPayload,
  recordIn,
  TICKS_DATASET,
  toObservations,
} from '@airtight/protocol';
import type { AqiReport } from '@airtight/standards/hj633.ts';
import type { JournalFrame } from '../feed/frames.ts';

/** What one producer reported for one moment. */
export interface DecodedReading {
  readonly phenomenonTime: number;
  readonly observations: readonly Observation[];
  readonly index: AqiReport | undefined;
}

interface EventBase {
  readonly position: number;
  readonly header: RecordHeader;
  /** What it was decoded from. */
  readonly frame: JournalFrame;
}
export interface ReadingsEvent extends EventBase {
  readonly kind: 'readings';
  readonly readings: readonly DecodedReading[];
  /** All observations of the record, in payload order. */
  readonly observations: readonly Observation[];
  readonly definition: DatasetDefinition | undefined;
}
export interface AlertEvent extends EventBase {
  readonly kind: 'alert';
  readonly transition: AlertTransition;
  readonly text: string;
}
export interface ControlEvent extends EventBase {
  readonly kind: 'control';
  readonly record: ControlRecord;
  readonly text: string;
}
export interface TickEvent extends EventBase {
  readonly kind: 'tick';
  readonly at: number;
}
/** A record that ingest took and this version cannot read: kept and provable, but without observations. */
export interface OpaqueEvent extends EventBase {
  readonly kind: 'opaque';
  readonly reason: string;
}
/** A record whose payload was removed by its dataset's retention policy: nothing can be said of it any more. */
export interface ExpiredEvent extends EventBase {
  readonly kind: 'expired';
}
export type JournalEvent = ReadingsEvent | AlertEvent | ControlEvent | TickEvent | OpaqueEvent | ExpiredEvent;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Decodes one frame. A `sys.datasets` record enters the registry here, because the very next frame may need it.
 * @param frame with the birth its record refers to, if any (feed/births.ts)
 * @throws AirtightError RECORD_MALFORMED when the frame holds no record: the journal is not what ingest wrote
 */
export function decodeFrame(frame: JournalFrame, registry: DatasetRegistry): JournalEvent {
  if (isExpiredBody(frame.body)) return expiredEvent(frame);
  const record = decodeRecord(recordIn(frame.body));
  if (!record.ok) throw new AirtightError('RECORD_MALFORMED', `position ${frame.position}: ${record.detail}`);
  const { header, payload } = record.value;
  const base = { position: frame.position, header, frame };
  if (header.dataset === ALERTS_DATASET || header.dataset.startsWith(CONTROL_PREFIX)) return ownEvent(base, payload, registry);
  return readingsEvent(base, payload, registry);
}

function expiredEvent(frame: JournalFrame): ExpiredEvent {
  const expired = decodeExpired(frame.body);
  if (!expired.ok) throw new AirtightError('RECORD_MALFORMED', `position ${frame.position}: ${expired.detail}`);
  return { kind: 'expired', position: frame.position, header: expired.value.header, frame };
}

function readingsEvent(base: EventBase, payload: Uint8Array, registry: DatasetRegistry): JournalEvent {
  const { header, position, frame } = base;
  const definition = registry.at(header.dataset, position);
  const parsed = readPayload(payload, { ...header, definition, birth: frame.birth });
  if (!parsed.ok) return { kind: 'opaque', position, header, frame, reason: parsed.detail };
  const observations = toObservations(header, position, parsed.value, definition);
  const readings: DecodedReading[] = [];
  let start = 0;
  for (const reading of parsed.value) {
    const end = start + reading.measurements.length;
    const own = parsed.value.length === 1 ? observations : observations.slice(start, end);
    readings.push({ phenomenonTime: reading.time, observations: own, index: airIndexOf(definition, own) });
    start = end;
  }
  return { kind: 'readings', position, header, frame, readings, observations, definition };
}

/** Records of our own services, written through the internal door alone: their shape is ours. */
function ownEvent(base: EventBase, payload: Uint8Array, registry: DatasetRegistry): JournalEvent {
  let text: string;
  let json: unknown;
  try {
    text = utf8.decode(payload);
    json = JSON.parse(text);
  } catch {
    return { kind: 'opaque', ...base, reason: 'not UTF-8 JSON' };
  }
  if (json === null || typeof json !== 'object') return { kind: 'opaque', ...base, reason: 'not an object' };
  if (base.header.dataset === ALERTS_DATASET) return { kind: 'alert', ...base, transition: json as AlertTransition, text };
  const record = json as ControlRecord;
  if (base.header.dataset === TICKS_DATASET) {
    return record.type === 'tick' ? { kind: 'tick', ...base, at: record.at } : { kind: 'opaque', ...base, reason: 'not a tick' };
  }
  if (base.header.dataset === DATASETS_DATASET && record.type === 'dataset') registry.define(base.position, record);
  return { kind: 'control', ...base, record, text };
}
