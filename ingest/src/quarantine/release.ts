/**
 * Releasing from quarantine: after a dataset's definition was mended its messages go through admission again, one by one.
 * What is admitted becomes a record with the time and the door at which it came; its place in the journal is that of the
 * release. A `sys.releases` record behind it says which message became which record, and who asked for it.
 */
import {
  AirtightError,
  accept,
  CONTROL_AGENCY,
  type Outcome,
  RELEASES_DATASET,
  type Refusal,
  type ReleaseRecord,
  refuse,
} from '@airtight/protocol';
import { RecordRoute } from '../admit/record-route.ts';
import type { Intake } from '../intake.ts';
import type { InternalDoor } from '../internal-door.ts';
import type { Quarantine, QuarantinedMessage, QuarantineFilter } from './quarantine.ts';

/** Messages of one request: their payloads are at most 13 MB. */
export const RELEASE_MAX = 200;
const RELEASES_PRODUCER = 'ingest';

export interface ReleaseRequest extends QuarantineFilter {
  /** These alone; else all that fit the filter, from `from` on. */
  readonly ids?: readonly number[];
  readonly from: number;
  /** Admission is asked, nothing is stored. */
  readonly dryRun: boolean;
  readonly by: string;
}

export type Released =
  | { readonly id: number; readonly status: 'accepted' | 'revision' | 'repeat'; readonly position: number }
  /** Of a dry run: it would be stored. */
  | { readonly id: number; readonly status: 'admissible' }
  | { readonly id: number; readonly status: 'refused'; readonly code: Refusal['code']; readonly detail: string };

export interface ReleaseAnswer {
  readonly results: readonly Released[];
  /** Id to go on from; null: all were looked at. */
  readonly next: number | null;
}

export interface ReleaseDeps {
  readonly quarantine: Quarantine;
  readonly intake: Intake;
  readonly door: InternalDoor;
}

/**
 * Releases what is asked for, at most RELEASE_MAX messages; resolves when the records and the release are durable.
 * @throws AirtightError JOURNAL_UNWRITABLE, DISK_RESERVE_REACHED: nothing can be stored at present
 */
export async function release({ quarantine, intake, door }: ReleaseDeps, request: ReleaseRequest): Promise<ReleaseAnswer> {
  const { ids, from, dryRun, by } = request;
  const page =
    ids === undefined ? quarantine.listFrom(from, RELEASE_MAX, request) : { items: ids.map((id) => quarantine.get(id)), next: null };
  const results: Released[] = [];
  const { fault } = intake;
  if (fault !== undefined) throw new AirtightError(fault.code, fault.detail);
  while (intake.full) await new Promise<void>((resolve) => intake.whenRoom(resolve));
  for (const [i, message] of page.items.entries()) {
    // Whoever asks for all gets what can be released; what was released before is no news.
    if (ids === undefined && message?.released !== null) continue;
    results.push(message === undefined ? notKept(ids?.[i] as number) : releaseOne(intake, message, dryRun));
  }
  const released = results.flatMap((result) => ('position' in result ? [{ id: result.id, position: result.position }] : []));
  if (released.length > 0) {
    const payload: ReleaseRecord = { type: 'release', at: Date.now(), by, released };
    await door.write([{ agency: CONTROL_AGENCY, dataset: RELEASES_DATASET, producer: RELEASES_PRODUCER, payload }]);
  }
  return { results, next: page.next };
}

function releaseOne(intake: Intake, message: QuarantinedMessage, dryRun: boolean): Released {
  const { id, payload, receivedAt } = message;
  const route = routeOf(message);
  if (!route.ok) return refused(id, route);
  const admitted = intake.admit(route.value, payload, receivedAt);
  if (!admitted.ok) return refused(id, admitted);
  if (dryRun) return { id, status: 'admissible' };
  const { kind, position } = intake.store(route.value, payload, receivedAt, admitted.value.messageId, {
    signature: message.route?.signature,
  });
  return { id, status: kind, position };
}

/** The way it came. @returns QUARANTINE_RELEASED, QUARANTINE_NOT_ADMISSION, QUARANTINE_CUT */
function routeOf({ released, route, size, kept, door, topic, producer }: QuarantinedMessage): Outcome<RecordRoute> {
  if (released !== null) return refuse('QUARANTINE_RELEASED', `record ${released}`);
  if (route === undefined) return refuse('QUARANTINE_NOT_ADMISSION', topic);
  if (kept < size) return refuse('QUARANTINE_CUT', `${kept} of ${size} bytes are kept`);
  const { agency, dataset, contentType } = route;
  return accept(new RecordRoute({ agency, dataset, contentType, producer, door, ...(topic === '' ? {} : { topic }) }));
}

function refused(id: number, { code, detail }: Refusal): Released {
  return { id, status: 'refused', code, detail };
}

function notKept(id: number): Released {
  return refused(id, refuse('NOT_FOUND', `message ${id} is not kept`));
}
