/**
 * What regions sign for each other: alerts, receipts for them, and what people did with them. Each is a signed note
 * (c2sp.org/signed-note) whose text is one line that names its kind and one line of canonical JSON (RFC 8785), so that a
 * signature of one kind is never one of another. Described in docs/reference/channels.md.
 */
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { ED25519, openNote, parseNote, type SignatureAlgorithms, type Vkey } from '@airtight/tlog';
import { type Static, type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { ACT_TEXT_MAX_LENGTH } from '../alerts/alert-act-rules.ts';
import { AlertMessage } from '../channels/alert-message.ts';
import type { Code } from '../codes.ts';
import { accept, type Outcome, refuse } from '../outcome.ts';
import { sha256Hex } from '../records/digest.ts';

/** A signed note of one region for another; an alert takes 1 to 3 kB. */
export const REGION_NOTE_MAX_LENGTH = 16 * 1024;
/** A bundle without outside anchors takes some 4 kB. */
export const REGION_PROOF_MAX_LENGTH = 32 * 1024;

const closed = { additionalProperties: false } as const;
const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' });
const KeyName = Type.String({ minLength: 1, maxLength: 256 });
const Delivery = Type.String({ minLength: 1, maxLength: 128 });
const AlertId = Type.String({ pattern: '^(?:[0-9a-f]{32})?$' });
const Time = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$' });

/** From whom and to whom, by the names of their keys. */
const parties = { from: KeyName, to: KeyName };

export const RegionAlert = Type.Object(
  {
    ...parties,
    /** Names the message; the same at each attempt. */
    delivery: Delivery,
    message: AlertMessage,
  },
  closed,
);
export type RegionAlert = Static<typeof RegionAlert>;

/** The alert is on record at the receiver. */
export const RegionReceipt = Type.Object(
  {
    ...parties,
    delivery: Delivery,
    alert: AlertId,
    /** SHA-256 of the text of the note that was received. */
    digest: Digest,
    /** Journal position of the receiver's record; null for a test, which is not kept. */
    record: Type.Union([Type.String({ pattern: '^[0-9]{1,16}$' }), Type.Null()]),
    receivedAt: Time,
    /** What the receiver found of the proof: `verified`, or the code of what is wrong. */
    proof: Type.String({ minLength: 1, maxLength: 64 }),
  },
  closed,
);
export type RegionReceipt = Static<typeof RegionReceipt>;

/** A person of the receiver has acknowledged it. */
export const RegionAct = Type.Object(
  {
    ...parties,
    act: Type.String({ pattern: '^act_[0-9a-f]{32}$' }),
    type: Type.Literal('acknowledge'),
    /** The message that the person saw. */
    delivery: Delivery,
    alert: AlertId,
    /** SHA-256 of that message's text. */
    digest: Digest,
    /** Account and role there. */
    by: Type.String({ minLength: 1, maxLength: 128 }),
    role: Type.Enum(['operator', 'administrator']),
    at: Time,
    comment: Type.String({ maxLength: ACT_TEXT_MAX_LENGTH }),
  },
  closed,
);
export type RegionAct = Static<typeof RegionAct>;

const KINDS = { alert: RegionAlert, receipt: RegionReceipt, act: RegionAct } as const satisfies { readonly [kind: string]: TSchema };
export type RegionNoteKind = keyof typeof KINDS;
export type RegionNote<K extends RegionNoteKind> = Static<(typeof KINDS)[K]>;

export interface OpenedRegionNote<K extends RegionNoteKind> {
  readonly value: RegionNote<K>;
  readonly signer: Vkey;
  /** Lower-case hex SHA-256 of the note's text. */
  readonly digest: string;
}

/** The text that is signed. */
export function regionNoteText<K extends RegionNoteKind>(kind: K, value: RegionNote<K>): string {
  return `${headingOf(kind)}\n${canonicalJson(value)}\n`;
}

export function regionNoteDigest(text: string): string {
  return sha256Hex(new TextEncoder().encode(text));
}

/**
 * Opens a note of another region.
 * @param known keys of the regions that are known here
 * @returns REGION_MESSAGE_INVALID when it is none of this kind, REGION_KEY_UNKNOWN when no known key has signed it,
 *   REGION_SIGNATURE_INVALID when a known key's signature is not of this text
 */
export function openRegionNote<K extends RegionNoteKind>(
  kind: K,
  note: string,
  known: readonly Vkey[],
  algorithms?: SignatureAlgorithms,
): Outcome<OpenedRegionNote<K>> {
  if (note.length > REGION_NOTE_MAX_LENGTH) return refuse('REGION_MESSAGE_INVALID', `longer than ${REGION_NOTE_MAX_LENGTH}`);
  const keys = known.filter(({ type }) => type === ED25519);
  const opened = openNote(new TextEncoder().encode(note), keys, algorithms);
  if (!opened.ok) return refuse(NOTE_CODES[opened.code] ?? 'REGION_MESSAGE_INVALID', opened.detail);
  const signer = opened.value.verified[0]?.vkey;
  const value = bodyOf(kind, opened.value.text);
  if (!value.ok || signer === undefined) return value.ok ? refuse('REGION_KEY_UNKNOWN', 'no known key') : value;
  if (value.value.from !== signer.name) return refuse('REGION_SIGNATURE_INVALID', `from ${value.value.from}, signed by ${signer.name}`);
  return accept({ value: value.value, signer, digest: regionNoteDigest(opened.value.text) });
}

/** What a note says that was opened before it went on record; undefined when it is none of this kind. */
export function regionNoteIn<K extends RegionNoteKind>(kind: K, note: string): Pick<OpenedRegionNote<K>, 'value' | 'digest'> | undefined {
  const parsed = parseNote(new TextEncoder().encode(note));
  if (!parsed.ok) return undefined;
  const value = bodyOf(kind, parsed.value.text);
  return value.ok ? { value: value.value, digest: regionNoteDigest(parsed.value.text) } : undefined;
}

const NOTE_CODES: { readonly [code: string]: Code } = {
  NOTE_UNSIGNED: 'REGION_KEY_UNKNOWN',
  NOTE_SIGNATURE_INVALID: 'REGION_SIGNATURE_INVALID',
};

function headingOf(kind: RegionNoteKind): string {
  return `airtight-region-${kind}@1`;
}

function bodyOf<K extends RegionNoteKind>(kind: K, text: string): Outcome<RegionNote<K>> {
  const [heading, json = ''] = text.split('\n');
  if (heading !== headingOf(kind)) return refuse('REGION_MESSAGE_INVALID', `not ${headingOf(kind)}`);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return refuse('REGION_MESSAGE_INVALID', 'not JSON');
  }
  const schema: TSchema = KINDS[kind];
  if (!Value.Check(schema, value)) {
    const [error] = Value.Errors(schema, value);
    return refuse('REGION_MESSAGE_INVALID', `${error?.instancePath ?? ''}: ${error?.message ?? 'not of this shape'}`);
  }
  const note = value as RegionNote<K>;
  // One text for one content: what is signed is what is read.
  return regionNoteText(kind, note) === text ? accept(note) : refuse('REGION_MESSAGE_INVALID', 'not canonical JSON');
}
