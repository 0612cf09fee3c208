/**
 * The door for files: readings that `airtight import` took from read-outs and archives. Each is a record like any other
 * and takes the same way: admission, identity, journal, commit; so overlapping read-outs and second runs add nothing.
 *
 * A chunk is lines: first `{"door":"file","routes":[[agency,dataset,producer],…]}`, then for each reading the index of
 * its route, a space and the payload. Lines are taken as they arrive; the answer counts them and names what was not
 * admitted by its place in the chunk.
 */
import type { IncomingMessage } from 'node:http';
import { AirtightError, FILE_DOOR, FILE_LIVE_DOOR, isTelemetryDataset, JSON_TYPE } from '@airtight/protocol';
import { RecordRoute } from '../admit/record-route.ts';
import type { DeviceRegistry } from '../identity/device-registry.ts';
import type { Intake } from '../intake.ts';
import type { OnTaken } from './device-publisher.ts';
import { LineSplitter } from './line-splitter.ts';
import { uploadBody } from './upload-body.ts';

/** Chunks at a time; a second one is on its way while the first is committed. */
export const CHUNKS_MAX = 4;
/** Readings of one chunk. */
export const CHUNK_READINGS_MAX = 20_000;
/** Producers one chunk may name: a national network has some 2,000 stations. */
const ROUTES_MAX = 20_000;
/** The list of routes: three names of at most 64 characters each. */
const LINE_MAX_BYTES = ROUTES_MAX * 210;
/** Refusals told one by one; the rest is counted. */
const REFUSALS_MAX = 1000;
const DETAIL_MAX_LENGTH = 256;
const SPACE = 0x20;
const DIGIT_0 = 0x30;

export interface ChunkAnswer {
  accepted: number;
  repeats: number;
  revisions: number;
  quarantined: number;
  /** Of those in quarantine, the first REFUSALS_MAX: 0-based place in the chunk, and why. */
  readonly refusals: { readonly reading: number; readonly code: string; readonly detail: string }[];
  /** Journal positions of the first and the last record that were added; absent when none was. */
  first?: number;
  last?: number;
}

export class FileDoor {
  readonly #intake: Intake;
  readonly #registry: DeviceRegistry;
  readonly #onTaken: OnTaken;
  #chunks = 0;

  /** @param onTaken told of each reading; its route is left out for history, which is counted but not shown */
  constructor(intake: Intake, registry: DeviceRegistry, onTaken: OnTaken) {
    this.#intake = intake;
    this.#registry = registry;
    this.#onTaken = onTaken;
  }

  /**
   * Takes a chunk; resolves when all of it is durable.
   * @throws AirtightError OVERLOADED, JOURNAL_UNWRITABLE, DISK_RESERVE_REACHED, REQUEST_INVALID, TOPIC_NOT_ALLOWED (a route that is no enrolled producer's), SIGNATURE_MISSING, PAYLOAD_TOO_LARGE;
   *   whatever was taken before is safe to send again. UploadBroken when the sender went away.
   */
  async take(request: IncomingMessage, gzip: boolean): Promise<ChunkAnswer> {
    if (this.#chunks >= CHUNKS_MAX) throw new AirtightError('OVERLOADED', `${CHUNKS_MAX} chunks are under way`);
    const { fault } = this.#intake;
    if (fault !== undefined) throw new AirtightError(fault.code, fault.detail);
    this.#chunks++;
    try {
      const answer = await this.#takeLines(request, gzip);
      await this.#intake.committed();
      return answer;
    } finally {
      this.#chunks--;
    }
  }

  async #takeLines(request: IncomingMessage, gzip: boolean): Promise<ChunkAnswer> {
    const splitter = new LineSplitter(LINE_MAX_BYTES);
    const answer: ChunkAnswer = { accepted: 0, repeats: 0, revisions: 0, quarantined: 0, refusals: [] };
    let routes: readonly RecordRoute[] | undefined;
    let count = 0;
    const take = (line: Buffer): void => {
      if (routes === undefined) routes = this.#routesOf(line);
      else if (count >= CHUNK_READINGS_MAX) throw new AirtightError('PAYLOAD_TOO_LARGE', `more than ${CHUNK_READINGS_MAX} readings`);
      else this.#takeReading(line, count++, routes, answer);
    };
    // Our own command sends it: there is no device whose end would end it.
    const unended = new AbortController().signal;
    for await (const piece of uploadBody(request, gzip, unended)) {
      for (const line of splitter.push(piece)) take(line);
      if (splitter.overlong) throw new AirtightError('PAYLOAD_TOO_LARGE', `a line of more than ${LINE_MAX_BYTES} bytes`);
      while (this.#intake.full) await new Promise<void>((resolve) => this.#intake.whenRoom(resolve));
    }
    const rest = splitter.rest();
    // A chunk ends with a line end: what stands behind it was cut.
    if (rest.length > 0) throw new AirtightError('REQUEST_INVALID', 'the last line is not whole');
    if (routes === undefined) throw new AirtightError('REQUEST_INVALID', 'the chunk is empty');
    return answer;
  }

  #takeReading(line: Buffer, reading: number, routes: readonly RecordRoute[], answer: ChunkAnswer): void {
    let index = 0;
    let at = 0;
    for (; at < line.length && line[at] !== SPACE; at++) index = index * 10 + (line[at] as number) - DIGIT_0;
    const route = at === 0 ? undefined : routes[index];
    if (route === undefined) throw new AirtightError('REQUEST_INVALID', `reading ${reading} names no route of the chunk`);
    const payload = line.subarray(at + 1);
    const taken = this.#intake.take(route, payload, Date.now());
    this.#onTaken(taken, route.fields.door === FILE_DOOR ? undefined : route, payload);
    if (taken.kind === 'quarantined') {
      answer.quarantined++;
      const { code, detail } = taken.refusal;
      if (answer.refusals.length < REFUSALS_MAX) answer.refusals.push({ reading, code, detail: detail.slice(0, DETAIL_MAX_LENGTH) });
      return;
    }
    if (taken.kind === 'repeat') {
      answer.repeats++;
      return;
    }
    if (taken.kind === 'revision') answer.revisions++;
    else answer.accepted++;
    answer.first ??= taken.position;
    answer.last = taken.position;
  }

  #routesOf(line: Buffer): RecordRoute[] {
    const { door, routes } = headOf(line);
    return routes.map(([agency, dataset, producer]) => {
      const device = this.#registry.get(producer);
      if (device === undefined || device.agency !== agency || !device.datasets.includes(dataset) || !isTelemetryDataset(dataset))
        throw new AirtightError('TOPIC_NOT_ALLOWED', `${producer} is not enrolled for ${agency}/${dataset}`);
      // A device that signs can only be spoken for by itself: not even whoever runs the platform may bring in its readings.
      if (device.signatureRequired === true) throw new AirtightError('SIGNATURE_MISSING', `${producer} signs what it sends`);
      return new RecordRoute({ agency, dataset, producer, door, contentType: JSON_TYPE });
    });
  }
}

interface ChunkHead {
  readonly door: string;
  readonly routes: readonly (readonly [agency: string, dataset: string, producer: string])[];
}

function headOf(line: Buffer): ChunkHead {
  let head: Partial<ChunkHead>;
  try {
    head = JSON.parse(line.toString('utf8')) as Partial<ChunkHead>;
  } catch {
    throw new AirtightError('REQUEST_INVALID', 'the first line is not JSON');
  }
  const { door, routes } = head;
  const isRoute = (route: unknown): boolean =>
    Array.isArray(route) && route.length === 3 && route.every((part) => typeof part === 'string');
  if ((door !== FILE_DOOR && door !== FILE_LIVE_DOOR) || !Array.isArray(routes) || routes.length > ROUTES_MAX || !routes.every(isRoute))
    throw new AirtightError('REQUEST_INVALID', 'the first line is {"door","routes":[[agency,dataset,producer],…]}');
  return { door, routes };
}
