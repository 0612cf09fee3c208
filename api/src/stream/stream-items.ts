/** What of a journal event a stream client sees, as JSON text made once for all clients. */
import { ALERTS_DATASET, type DatasetRegistry, FILE_DOOR, isSalted, type Observation, type StreamEvent } from '@airtight/protocol';
import { flagItemOf } from '../control/flag-item.ts';
import type { ManualFlags } from '../control/manual-flags.ts';
import { type AlertEvent, type ControlEvent, decodeFrame, type JournalEvent, type ReadingsEvent } from '../decode/decoder.ts';
import { bitsOfOwn, itemOf } from '../project/latest.ts';
import { qualityOf } from '../quality/value-quality.ts';
import type { Verdict } from '../quality/verdict.ts';

/** Which events a client wants; absent: all. */
export interface StreamFilter {
  readonly dataset?: string | undefined;
  readonly producer?: string | undefined;
  /** The client is nobody we know: what is confidential is not for him. */
  readonly isVisitor?: boolean | undefined;
  /** The client shows what is: of each producer the newest readings are enough. */
  readonly conflate?: boolean | undefined;
}

export interface StreamItem {
  readonly position: number;
  readonly dataset: string;
  readonly producer: string;
  readonly isConfidential: boolean;
  /** phenomenonTime of the newest reading that can be its producer's latest, epoch ms; null: none can; undefined: it holds no readings. */
  readonly newest?: number | null;
  /** JSON of its events, joined by commas. */
  text(): string;
}

/** What an alert is about, by its id; undefined for one that is not at hand. */
export type DatasetOfAlert = (alert: string) => string | undefined;

/** What items are made with beside the event. */
export interface StreamContext {
  readonly datasets: DatasetRegistry;
  readonly flags: Pick<ManualFlags, 'inForce' | 'of'>;
  readonly datasetOf: DatasetOfAlert;
}

/**
 * The item of an event; undefined for one that holds nothing for clients. It keeps the record's bytes and not the decoded
 * event: while nobody listens, the objects of ten thousand readings would only burden the garbage collector.
 * @param verdicts what the event has decided
 * @param eager make the text at once
 */
export function streamItemOf(
  event: JournalEvent,
  verdicts: readonly Verdict[],
  context: StreamContext,
  eager: boolean,
): StreamItem | undefined {
  if (event.kind === 'control') return flagStreamItem(event, context);
  if (event.kind !== 'readings' && event.kind !== 'alert') return undefined;
  if (event.kind === 'readings' && event.readings.length === 0) return undefined;
  // Imported history is no news: a year of it would bury what happens now.
  if (event.header.door === FILE_DOOR) return undefined;
  const { position, header, frame } = event;
  let made = eager ? textOf(event, verdicts, context) : undefined;
  return {
    position,
    dataset: header.dataset,
    producer: header.producer,
    isConfidential: isConfidential(event, context),
    ...(event.kind === 'readings' && { newest: newestOf(event) }),
    text: () => {
      made ??= textOf(decodeFrame(frame, context.datasets), verdicts, context);
      return made;
    },
  };
}

/** What a clock that runs ahead says, and history that is uploaded, is never anybody's latest. */
function newestOf({ readings }: ReadingsEvent): number | null {
  let newest: number | null = null;
  for (const { phenomenonTime, observations } of readings) {
    if (newest !== null && phenomenonTime <= newest) continue;
    const isApart = observations.some(({ flags }) => flags.includes('future') || flags.includes('historical'));
    if (!isApart) newest = phenomenonTime;
  }
  return newest;
}

/** A person's word on values concerns whoever follows their producer. */
function flagStreamItem({ position, record }: ControlEvent, { datasets, flags }: StreamContext): StreamItem | undefined {
  if (record.type !== 'flag') return undefined;
  const { id, dataset, producer } = record;
  const known = flags.of(record).find((one) => one.record.id === id);
  if (known === undefined) return undefined;
  // As it was said: it may have been withdrawn since.
  const told = record.flag === null ? known : { position, record, key: known.key };
  const message: StreamEvent = { type: 'flag', position, flag: flagItemOf(told) };
  const text = JSON.stringify(message);
  return { position, dataset, producer, isConfidential: datasets.current(dataset)?.confidential === true, text: () => text };
}

/** Of what follows upon an alert that is long over the dataset is not at hand: where there are confidential ones, it is taken for one of those. */
function isConfidential(event: ReadingsEvent | AlertEvent, { datasets, datasetOf }: StreamContext): boolean {
  if (event.kind === 'readings') return isSalted(event.header);
  const { transition } = event;
  const dataset = transition.type === 'raise' ? transition.dataset : datasetOf(transition.alert);
  const confidential = datasets.confidential();
  return dataset === undefined ? confidential.length > 0 : confidential.includes(dataset);
}

/** An alert concerns everybody who may see it, whatever else he follows; readings, verdicts and flags are filtered. */
export function passes(item: Pick<StreamItem, 'dataset' | 'producer' | 'isConfidential'>, filter: StreamFilter): boolean {
  return (
    !(filter.isVisitor === true && item.isConfidential) &&
    (item.dataset === ALERTS_DATASET ||
      ((filter.dataset === undefined || item.dataset === filter.dataset) &&
        (filter.producer === undefined || item.producer === filter.producer)))
  );
}

/** JSON of the event's messages, joined by commas. */
function textOf(event: JournalEvent, verdicts: readonly Verdict[], context: StreamContext): string {
  if (event.kind === 'readings') return readingsText(event, verdicts, context);
  if (event.kind !== 'alert') return '';
  const message: StreamEvent = { type: 'alert', position: event.position, transition: event.transition };
  return JSON.stringify(message);
}

function readingsText(event: ReadingsEvent, verdicts: readonly Verdict[], context: StreamContext): string {
  const { position, header, readings } = event;
  const bits = bitsOfOwn(event, verdicts);
  const messages = readings.map((reading): StreamEvent => {
    return { type: 'observation', position, ...itemOf({ ...header, position, ...reading, bits }, context) };
  });
  const earlier = verdicts.filter(({ judged }) => judged !== position);
  if (earlier.length > 0)
    messages.push({ type: 'verdict', position, values: earlier.map((verdict) => judgedItem(event, verdict, context)) });
  return messages.map((message) => JSON.stringify(message)).join(',');
}

/** Only a number can be judged by a later one. */
function judgedItem(
  { header }: ReadingsEvent,
  { observedProperty, phenomenonTime, judged, bits }: Verdict,
  { datasets, flags }: StreamContext,
) {
  const { dataset, producer } = header;
  const subject = { dataset, producer, observedProperty };
  const value: Pick<Observation, 'result' | 'flags' | 'position'> = { result: 0, flags: [], position: judged };
  return {
    ...subject,
    phenomenonTime: new Date(phenomenonTime).toISOString(),
    record: String(judged),
    quality: qualityOf({ ...subject, phenomenonTime, ...value }, bits, datasets.at(dataset, judged), flags),
  };
}
