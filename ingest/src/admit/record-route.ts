/**
 * What is the same for every record of one producer, dataset and door: the pieces of the header line around the parts
 * that change, and the seed of its identities. Made once per connection and topic, so that the hot path only joins
 * strings. `head` writes the same bytes as protocol's `formatHeader`; a test holds the two together.
 */
import { crc32 } from 'node:zlib';
import { type DeviceSignature, type RecordHeader, SALTED_FIELDS } from '@airtight/protocol';

/** Behind `agency` and `birth` in canonical order. */
const COMMITMENT = `"commitment":"${SALTED_FIELDS}",`;

export type RouteFields = Pick<RecordHeader, 'agency' | 'dataset' | 'producer' | 'door' | 'topic' | 'contentType'>;

/** Members of a header that belong to one message alone. */
export interface MessageHeader {
  /** Position of the Sparkplug birth that the payload refers to. */
  readonly birth?: number | undefined;
  readonly signature?: DeviceSignature | undefined;
  /** The dataset is confidential. */
  readonly isConfidential?: boolean | undefined;
}

export class RecordRoute {
  readonly fields: RouteFields;
  // Canonical member order (RFC 8785 §3.2.3): agency birth commitment contentType dataset door messageId producer receivedAt signature topic v.
  readonly #agency: string;
  readonly #beforeMessageId: string;
  readonly #beforeReceivedAt: string;
  readonly #afterReceivedAt: string;
  readonly #identitySeed: number;

  constructor(fields: RouteFields) {
    this.fields = fields;
    const { agency, contentType, dataset, door, producer, topic } = fields;
    const text = JSON.stringify;
    this.#agency = `{"agency":${text(agency)},`;
    this.#beforeMessageId = `"contentType":${text(contentType)},"dataset":${text(dataset)},"door":${text(door)},`;
    this.#beforeReceivedAt = `"producer":${text(producer)},"receivedAt":`;
    this.#afterReceivedAt = `${topic === undefined ? '' : `,"topic":${text(topic)}`},"v":1}\n`;
    this.#identitySeed = identitySeed(fields);
  }

  /**
   * Header line with its newline: record bytes up to the payload.
   * @param sent what belongs to this message alone
   */
  head(receivedAt: number, messageId: string | undefined, { birth, signature, isConfidential }: MessageHeader = {}): string {
    const before = birth === undefined ? this.#agency : `${this.#agency}"birth":${birth},`;
    const id = messageId === undefined ? '' : `"messageId":${JSON.stringify(messageId)},`;
    const signed = signature === undefined ? '' : `,"signature":{"kid":"${signature.kid}","sig":"${signature.sig}"}`;
    const commitment = isConfidential === true ? COMMITMENT : '';
    return before + commitment + this.#beforeMessageId + id + this.#beforeReceivedAt + receivedAt + signed + this.#afterReceivedAt;
  }

  /** 32-bit fingerprint of the record's identity: producer + its message id, else its content. */
  fingerprint(messageId: string | undefined, payload: Uint8Array): number {
    return fingerprint(this.#identitySeed, messageId, payload);
  }
}

/** The fingerprint of a record as it stands in the journal. */
export function fingerprintOf(header: RecordHeader, payload: Uint8Array): number {
  return fingerprint(identitySeed(header), header.messageId, payload);
}

function identitySeed({ agency, dataset, producer }: RouteFields): number {
  return crc32(`${agency}/${dataset}/${producer}\n`);
}

function fingerprint(seed: number, messageId: string | undefined, payload: Uint8Array): number {
  if (messageId === undefined) return crc32(payload, seed);
  // FNV-1a: a message id is a dozen characters, fewer than a call into zlib costs.
  let mixed = seed;
  for (let i = 0; i < messageId.length; i++) mixed = Math.imul(mixed ^ messageId.charCodeAt(i), 0x01000193);
  return mixed >>> 0;
}
