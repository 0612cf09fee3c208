/**
 * The index of producers in a batch: how many of its records each producer has, in each dataset. Its Merkle root stands in
 * the batch record, so "this batch holds exactly three records of that producer", and "none", are proven by a short path,
 * without showing the records of anybody else.
 *
 *   line = canonical JSON [agency, dataset, producer, count]      ascending by agency, dataset, producer (UTF-16 code units)
 *   root = RFC 6962 root over SHA-256(0x00 ‖ line)
 */
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { HASH_BYTES, leafHash, nobleSha256, rootOfLeafHashes, type Sha256 } from '@airtight/tlog';
import { isName } from '../names.ts';
import { accept, type Outcome, refuse } from '../outcome.ts';
import { LEAF_PREFIX } from '../records/feed.ts';
import { HEADER_MAX_BYTES } from '../records/record.ts';

export interface ProducerName {
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
}

export interface ProducerCount extends ProducerName {
  /** Records in the batch, at least 1. */
  readonly count: number;
}

/** Member `producers` of a batch record. */
export interface ProducersRoot {
  /** Lines of the index. */
  readonly count: number;
  /** Lower-case hex. */
  readonly root: string;
}

/** Longer than any line of names that stand in a header. */
export const PRODUCER_LINE_MAX_BYTES = HEADER_MAX_BYTES;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes of a line. */
export function producerLine({ agency, dataset, producer, count }: ProducerCount): Uint8Array {
  return encoder.encode(canonicalJson([agency, dataset, producer, count]));
}

/** @returns BATCH_MALFORMED when the bytes are no line in canonical form */
export function decodeProducerLine(bytes: Uint8Array): Outcome<ProducerCount> {
  if (bytes.length > PRODUCER_LINE_MAX_BYTES) return refuse('BATCH_MALFORMED', `a line of ${bytes.length} bytes`);
  try {
    const text = decoder.decode(bytes);
    const [agency, dataset, producer, count, ...more] = JSON.parse(text) as readonly unknown[];
    const named = [agency, dataset, producer].every((name) => typeof name === 'string');
    if (named && more.length === 0 && Number.isSafeInteger(count) && (count as number) > 0) {
      const line = { agency, dataset, producer, count } as ProducerCount;
      if (canonicalJson([agency, dataset, producer, count]) === text) return accept(line);
    }
  } catch {
    // Told below.
  }
  return refuse('BATCH_MALFORMED', 'no line [agency, dataset, producer, count]');
}

/** Negative when `a` stands before `b` in the index, 0 when they are the same. */
export function compareProducers(a: ProducerName, b: ProducerName): number {
  return compareTexts(a.agency, b.agency) || compareTexts(a.dataset, b.dataset) || compareTexts(a.producer, b.producer);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Leaf hashes of lines in order, 32 bytes each, concatenated. */
export function producerHashes(lines: readonly ProducerCount[], sha: Sha256 = nobleSha256): Uint8Array {
  const hashes = new Uint8Array(lines.length * HASH_BYTES);
  for (const [at, line] of lines.entries()) hashes.set(leafHash(producerLine(line), sha), at * HASH_BYTES);
  return hashes;
}

/** @param lines at least one, in order */
export function producersRootOf(lines: readonly ProducerCount[], sha: Sha256 = nobleSha256): ProducersRoot {
  return { count: lines.length, root: toHex(rootOfLeafHashes(producerHashes(lines, sha), sha)) };
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const AGENCY_BEFORE = '"agency":"';
const DATASET_BEFORE = ',"dataset":"';
const PRODUCER_BEFORE = ',"producer":"';
const DOOR_BEFORE = ',"door":"';
const MESSAGE_ID_BEFORE = ',"messageId":"';
const RECEIVED_AT_BEFORE = ',"receivedAt":';
const ZERO = 0x30;

/** Bytes [from, to) as text, a character a byte. */
export type Latin1 = (bytes: Uint8Array, from: number, to: number) => string;

/** Counts the records of a batch by producer. */
export class ProducerCounts {
  readonly #counts = new Map<string, { line: ProducerName; count: number }>();

  /** Adds a record by what stands in its header. @returns false when it has no header with these names */
  add({ key, agency, dataset, producer }: HeaderTexts): boolean {
    const known = this.#counts.get(key);
    if (known !== undefined) {
      known.count++;
      return true;
    }
    if (agency === '' || dataset === '' || producer === '') return false;
    try {
      this.#counts.set(key, { line: { agency: named(agency), dataset: named(dataset), producer: named(producer) }, count: 1 });
      return true;
    } catch {
      return false;
    }
  }

  /** Records of one producer so far. Names are compared as they are written in a header. */
  countOf(name: ProducerName): number {
    return this.#counts.get(producerKey(name))?.count ?? 0;
  }

  /** The lines of the index in order; the counting begins anew. */
  take(): ProducerCount[] {
    const lines = [...this.#counts.values()].map(({ line, count }) => ({ ...line, count }));
    this.#counts.clear();
    return lines.sort(compareProducers);
  }
}

/** The key that headerTexts gives these names. */
export function producerKey({ agency, dataset, producer }: ProducerName): string {
  return keyOf(agency, dataset, producer);
}

function keyOf(agency: string, dataset: string, producer: string): string {
  return `${agency}","${dataset}","${producer}`;
}

/** The index of a batch by its records' bytes. */
export function countProducers(records: readonly Uint8Array[]): ProducerCount[] {
  const counts = new ProducerCounts();
  for (const record of records) counts.add(textsIn(record, 0, toLatin1));
  return counts.take();
}

/** What stands in the header of a record, cut out without reading all of it. */
export interface HeaderTexts extends ProducerName {
  /** One for each agency, dataset and producer. */
  readonly key: string;
  readonly door: string;
  readonly messageId: string | undefined;
  /** Epoch ms; 0 when it is not told. */
  readonly receivedAt: number;
}

/**
 * Cuts the names out of a header in canonical form: there a quote within a value has a backslash before it, and the members
 * stand in this order.
 * @param body of a frame; names are as they are written, which for names of ours is as they are. What is not there is empty.
 */
export function headerTexts(body: Uint8Array, latin1: Latin1 = toLatin1): HeaderTexts {
  // In all forms but the plain one a leaf hash or a root stands before the header.
  return textsIn(body, body[0] === LEAF_PREFIX ? 1 : 1 + HASH_BYTES, latin1);
}

function textsIn(bytes: Uint8Array, from: number, latin1: Latin1): HeaderTexts {
  const text = latin1(bytes, from, Math.min(bytes.length, from + HEADER_MAX_BYTES));
  let end = 0;
  const next = (before: string): string => {
    const start = text.indexOf(before, end) + before.length;
    if (start < before.length) return '';
    const valueEnd = endOf(text, start);
    end = valueEnd;
    return text.slice(start, valueEnd);
  };
  const agency = next(AGENCY_BEFORE);
  const dataset = next(DATASET_BEFORE);
  const door = next(DOOR_BEFORE);
  const producerAt = text.indexOf(PRODUCER_BEFORE, end);
  // The member may be absent: it is looked for no further than the producer.
  const messageAt = text.slice(end, producerAt).indexOf(MESSAGE_ID_BEFORE);
  const messageId = messageAt < 0 ? undefined : next(MESSAGE_ID_BEFORE);
  const producer = next(PRODUCER_BEFORE);
  return {
    key: keyOf(agency, dataset, producer),
    agency,
    dataset,
    producer,
    door,
    messageId,
    receivedAt: numberAfter(text, RECEIVED_AT_BEFORE, end),
  };
}

function numberAfter(text: string, before: string, from: number): number {
  const start = text.indexOf(before, from);
  let value = 0;
  for (let at = start + before.length; start >= 0; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (!(digit >= 0 && digit <= 9)) break;
    value = value * 10 + digit;
  }
  return value;
}

function toLatin1(bytes: Uint8Array, from: number, to: number): string {
  return Array.from(bytes.subarray(from, to), (byte) => String.fromCharCode(byte)).join('');
}

/** Where the value that begins here has its closing quote. */
function endOf(text: string, start: number): number {
  let end = text.indexOf('"', start);
  while (text[end - 1] === '\\' && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}

/** A value as it is written in the header, read character by byte, as the name it stands for. */
function named(written: string): string {
  if (isName(written)) return written;
  const bytes = Uint8Array.from(written, (character) => character.charCodeAt(0));
  return JSON.parse(`"${decoder.decode(bytes)}"`) as string;
}
