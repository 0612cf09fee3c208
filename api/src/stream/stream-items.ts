/** What of a journal event a stream client sees, as JSON text made once for all clients. */
import { type DatasetRegistry, FILE_DOOR, isSalted, type StreamEvent } from '@airtight/protocol';
import { type AlertEvent, decodeFrame, type JournalEvent, type ReadingsEvent } from '../decode/decoder.ts';
import { itemOf } from '../project/latest.ts';

/** Which events a client wants; absent: all. */
export interface StreamFilter {
  readonly dataset?: string | undefined;
  readonly producer?: string | undefined;
  /** The client is nobody we know: what is confidential is not for him. */
  readonly isVisitor?: boolean | undefined;
}

export interface StreamItem {
  readonly position: number;
  readonly dataset: string;
  readonly producer: string;
  readonly isConfidential: boolean;
  /** JSON of its events, joined by commas. */
  text(): string;
}

/** What an alert is about, by its id; undefined for one that is not at hand. */
export type DatasetOfAlert = (alert: string) => string | undefined;

/**
 * The item of an event; undefined for one that holds nothing for clients. It keeps the record's bytes and not the decoded
 * event: while nobody listens, the objects of ten thousand readings would only burden the garbage collector.
 * @param eager make the text at once
 */
export function streamItemOf(
  event: JournalEvent,
  registry: DatasetRegistry,
  datasetOf: DatasetOfAlert,
  eager: boolean,
): StreamItem | undefined {
  if (event.kind !== 'readings' && event.kind !== 'alert') return undefined;
  if (event.kind === 'readings' && event.readings.length === 0) return undefined;
  // Imported history is no news: a year of it would bury what happens now.
  if (event.header.door === FILE_DOOR) return undefined;
  const { position, header, frame } = event;
  let made = eager ? textOf(event) : undefined;
  return {
    position,
    dataset: header.dataset,
    producer: header.producer,
    isConfidential: isConfidential(event, registry, datasetOf),
    text: () => {
      made ??= textOf(decodeFrame(frame, registry));
      return made;
    },
  };
}

/** Of what follows upon an alert that is long over the dataset is not at hand: where there are confidential ones, it is taken for one of those. */
function isConfidential(event: ReadingsEvent | AlertEvent, registry: DatasetRegistry, datasetOf: DatasetOfAlert): boolean {
  if (event.kind === 'readings') return isSalted(event.header);
  const { transition } = event;
  const dataset = transition.type === 'raise' ? transition.dataset : datasetOf(transition.alert);
  const confidential = registry.confidential();
  return dataset === undefined ? confidential.length > 0 : confidential.includes(dataset);
}

/** An alert concerns everybody who may see the stream; readings are filtered. */
export function passes(item: Pick<StreamItem, 'dataset' | 'producer' | 'isConfidential'>, filter: StreamFilter): boolean {
  return (
    !(filter.isVisitor === true && item.isConfidential) &&
    (filter.dataset === undefined || item.dataset === filter.dataset) &&
    (filter.producer === undefined || item.producer === filter.producer)
  );
}

/** JSON of the event's messages, joined by commas. */
export function textOf(event: JournalEvent): string {
  if (event.kind === 'readings') return readingsText(event);
  if (event.kind !== 'alert') return '';
  const message: StreamEvent = { type: 'alert', position: event.position, transition: event.transition };
  return JSON.stringify(message);
}

function readingsText({ position, header, readings }: ReadingsEvent): string {
  return readings
    .map((reading) => {
      const message: StreamEvent = { type: 'observation', position, ...itemOf({ ...header, position, ...reading }) };
      return JSON.stringify(message);
    })
    .join(',');
}
