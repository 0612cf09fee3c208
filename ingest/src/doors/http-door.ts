/**
 * The HTTP door: a device sends one record, or many as lines, and is answered when all of them are durable. Lines are
 * taken as they arrive, so what was taken before an upload breaks off stays; sent again, it is recognised as a repeat.
 */
import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AirtightError,
  type DeviceSignature,
  isTelemetryDataset,
  type LineResult,
  PAYLOAD_MAX_BYTES,
  splitSignature,
} from '@airtight/protocol';
import { RecordRoute } from '../admit/record-route.ts';
import type { AuthenticatedDevice } from '../identity/authentication.ts';
import type { LiveSessions } from '../identity/live-sessions.ts';
import type { Intake, Taken } from '../intake.ts';
import type { DevicePaces } from './device-pace.ts';
import type { OnTaken } from './device-publisher.ts';
import { KeptAnswers } from './kept-answers.ts';
import { LineSplitter } from './line-splitter.ts';
import { uploadBody } from './upload-body.ts';

/** Uploads at a time. Each holds at most a line, 10,000 results and some stream buffers: some 5 MB. */
export const UPLOADS_MAX = 32;
/** Of these, as many as one device may hold, so that a few slow ones cannot keep out the others. */
export const UPLOADS_PER_DEVICE_MAX = 4;
/** Lines of one upload, empty ones too: each costs time and a result. A longer upload is cut by its sender. */
export const LINES_MAX = 10_000;
/** The longest line that is read at all, as at the MQTT door: what is larger than a payload may be but fits here is quarantined. */
export const LINE_MAX_BYTES = 4 * PAYLOAD_MAX_BYTES;
const DETAIL_MAX_LENGTH = 256;

export interface Upload {
  readonly authenticated: AuthenticatedDevice;
  /** On the whole body, told beside it. */
  readonly signature?: DeviceSignature | undefined;
  /** Absent: the only one the device was enrolled for. */
  readonly dataset: string | undefined;
  /** Each line is a record; else the whole body is one. */
  readonly lines: boolean;
  /** Media type of each record. */
  readonly contentType: string;
  readonly gzip: boolean;
  /** The device's name for this upload: sent again under the same name it gets the first answer. */
  readonly idempotencyKey?: string | undefined;
  readonly body: IncomingMessage;
}

export interface UploadAnswer {
  /** `{"results":LineResult[]}` */
  readonly json: Buffer;
  /** It is the answer to an earlier upload with the same key. */
  readonly replayed: boolean;
}

export class HttpDoor {
  readonly #intake: Intake;
  readonly #onTaken: OnTaken;
  readonly #sessions: LiveSessions;
  readonly #paces: DevicePaces;
  /** Uploads under way, by producer. */
  readonly #uploads = new Map<string, number>();
  readonly #answers = new KeptAnswers();
  #uploadsTotal = 0;

  /** @param paces shared with the other doors: a device has one rate */
  constructor(intake: Intake, sessions: LiveSessions, onTaken: OnTaken, paces: DevicePaces) {
    this.#intake = intake;
    this.#sessions = sessions;
    this.#onTaken = onTaken;
    this.#paces = paces;
  }

  /** @throws AirtightError OVERLOADED when one more upload has no place now; JOURNAL_UNWRITABLE, DISK_RESERVE_REACHED */
  assertRoom(): void {
    if (this.#uploadsTotal >= UPLOADS_MAX) throw new AirtightError('OVERLOADED', `${UPLOADS_MAX} uploads are under way`);
    const { fault } = this.#intake;
    if (fault !== undefined) throw new AirtightError(fault.code, fault.detail);
    if (this.#intake.full) throw new AirtightError('OVERLOADED', 'the journal is behind');
  }

  /**
   * Takes an upload; resolves when all of it is durable.
   * @throws AirtightError JOURNAL_UNWRITABLE, DISK_RESERVE_REACHED, OVERLOADED, RATE_LIMITED, CREDENTIALS_ENDED, TOPIC_NOT_ALLOWED,
   *   REQUEST_INVALID, PAYLOAD_TOO_LARGE; the records counted in its
   *   detail are durable then. IDEMPOTENCY_KEY_BUSY, IDEMPOTENCY_KEY_REUSED: nothing was taken. UploadBroken when the sender went away.
   */
  async publish(upload: Upload): Promise<UploadAnswer> {
    this.assertRoom();
    const { authenticated, idempotencyKey } = upload;
    const { producer } = authenticated.device;
    const route = routeOf(upload);
    const leave = this.#enter(producer);
    const ending = new AbortController();
    const forget = this.#sessions.begin(authenticated, () =>
      ending.abort(new AirtightError('CREDENTIALS_ENDED', `${producer}: revoked or expired during the upload`)),
    );
    try {
      if (idempotencyKey !== undefined) return await this.#publishOnce(upload, idempotencyKey, route, ending.signal);
      return { json: await this.#publishBody(upload, route, ending.signal), replayed: false };
    } finally {
      forget();
      leave();
    }
  }

  /** An upload that was refused leaves no answer: sent again it is taken, and what was taken of it is a repeat. */
  async #publishOnce(upload: Upload, key: string, route: RecordRoute, ended: AbortSignal): Promise<UploadAnswer> {
    const { producer } = route.fields;
    const digest = digestOf(upload, route);
    const known = this.#answers.find(producer, key, Date.now());
    if (known !== undefined) {
      const pace = this.#paces.of(producer);
      for await (const piece of uploadBody(upload.body, upload.gzip, ended)) {
        digest.update(piece);
        const waitMs = pace.spend(0, piece.length, performance.now());
        if (waitMs > 0) await delay(waitMs);
      }
      if (digest.digest('hex') !== known.digest)
        throw new AirtightError('IDEMPOTENCY_KEY_REUSED', 'its body, dataset or content type is not that of the first request');
      return { json: known.json, replayed: true };
    }
    const end = this.#answers.begin(producer, key);
    try {
      const json = await this.#publishBody(upload, route, ended, digest);
      this.#answers.keep(producer, key, { digest: digest.digest('hex'), json }, Date.now());
      return { json, replayed: false };
    } finally {
      end();
    }
  }

  /** @param digest gets the whole body */
  async #publishBody(upload: Upload, route: RecordRoute, ended: AbortSignal, digest?: Hash): Promise<Buffer> {
    const results: LineResult[] = [];
    try {
      await this.#takeBody(upload, route, results, ended, digest);
    } catch (error) {
      if (!(error instanceof AirtightError) || results.length === 0) throw error;
      await this.#intake.committed();
      const last = results.at(-1)?.line;
      throw new AirtightError(error.code, `${error.detail}; everything up to line ${last} was taken and is safe to send again`);
    }
    if (results.length === 0) throw new AirtightError('REQUEST_INVALID', 'the body holds no reading');
    await this.#intake.committed();
    return Buffer.from(JSON.stringify({ results }));
  }

  /** Takes a place among the uploads. @returns gives it back */
  #enter(producer: string): () => void {
    const own = this.#uploads.get(producer) ?? 0;
    if (own >= UPLOADS_PER_DEVICE_MAX) throw new AirtightError('RATE_LIMITED', `${own} uploads of ${producer} are under way`);
    this.#uploads.set(producer, own + 1);
    this.#uploadsTotal++;
    return () => {
      this.#uploadsTotal--;
      const left = (this.#uploads.get(producer) as number) - 1;
      if (left === 0) this.#uploads.delete(producer);
      else this.#uploads.set(producer, left);
    };
  }

  async #takeBody(upload: Upload, route: RecordRoute, results: LineResult[], ended: AbortSignal, digest?: Hash): Promise<void> {
    const { body, lines, gzip } = upload;
    const pace = this.#paces.of(route.fields.producer);
    const splitter = new LineSplitter(LINE_MAX_BYTES);
    let number = 0;
    const take = (payload: Buffer): void => {
      if (number >= LINES_MAX) throw new AirtightError('PAYLOAD_TOO_LARGE', `more than ${LINES_MAX} lines`);
      ended.throwIfAborted();
      number++;
      if (payload.length > 0) results.push(this.#take(number, payload, upload, route));
    };
    const whole: Buffer[] = [];
    let wholeBytes = 0;
    for await (const piece of uploadBody(body, gzip, ended)) {
      const before = number;
      digest?.update(piece);
      if (lines) for (const line of splitter.push(piece)) take(line);
      else whole.push(piece);
      wholeBytes += piece.length;
      if (lines ? splitter.overlong : wholeBytes > LINE_MAX_BYTES)
        throw new AirtightError('PAYLOAD_TOO_LARGE', `line ${number + 1} has more than ${LINE_MAX_BYTES} bytes`);
      const waitMs = pace.spend(number - before, piece.length, performance.now());
      if (waitMs > 0) await delay(waitMs);
      ended.throwIfAborted();
      while (this.#intake.full) await new Promise<void>((resolve) => this.#intake.whenRoom(resolve));
    }
    const rest = lines ? splitter.rest() : Buffer.concat(whole);
    if (rest.length > 0) take(rest);
  }

  #take(line: number, message: Buffer, upload: Upload, route: RecordRoute): LineResult {
    const taken = this.#takeMessage(message, upload, route);
    if (taken.kind !== 'quarantined') return { line, status: taken.kind, record: String(taken.position) };
    const { code, detail } = taken.refusal;
    return { line, status: taken.kind, code, detail: detail.slice(0, DETAIL_MAX_LENGTH) };
  }

  /** The signature of a message follows it, as over MQTT, or is told beside the body. */
  #takeMessage(message: Buffer, { signature: beside }: Upload, route: RecordRoute): Taken {
    const { payload, signature } = beside === undefined ? splitSignature(message) : { payload: message, signature: beside };
    const taken = this.#intake.take(route, payload, Date.now(), { signature });
    this.#onTaken(taken, route, payload);
    return taken;
  }
}

/** A device publishes as itself alone, to the datasets it was enrolled for. */
function routeOf({ authenticated, dataset: asked, contentType }: Upload): RecordRoute {
  const { producer, agency, datasets } = authenticated.device;
  const dataset = asked ?? (datasets.length === 1 ? datasets[0] : undefined);
  if (dataset === undefined)
    throw new AirtightError('REQUEST_INVALID', `name the dataset: ${producer} was enrolled for ${datasets.length}`);
  if (!isTelemetryDataset(dataset) || !datasets.includes(dataset))
    throw new AirtightError('TOPIC_NOT_ALLOWED', `${producer} may not publish to dataset ${dataset}`);
  return new RecordRoute({ agency, dataset, producer, door: 'http', contentType });
}

/** Begins with everything beside the body that decides what becomes of it. */
function digestOf({ contentType, lines, signature }: Upload, { fields: { dataset } }: RecordRoute): Hash {
  const { kid = null, sig = null } = signature ?? {};
  return createHash('sha256').update(`${JSON.stringify([dataset, contentType, lines, kid, sig])}\n`);
}
