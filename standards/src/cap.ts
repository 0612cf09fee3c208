/**
 * OASIS Common Alerting Protocol 1.2 (ITU-T X.1303 bis): alerts as XML, read and written by one table that states what the
 * schema of §3.4 states: order, number, type of every element. Clauses that no schema can tell (§3.2) are checked as well.
 */
import {
  among,
  bytes,
  type CapCircle,
  type CapPoint,
  type CapReference,
  type CapTime,
  circle,
  decimal,
  type Kind,
  language,
  polygon,
  references,
  text,
  time,
  token,
  uri,
  words,
} from './cap-values.ts';
import { canonicalJson } from './rfc8785.ts';
import { escapeXml, parseXml, type XmlElement, type XmlRefusalReason } from './xml.ts';

export const CAP_NAMESPACE = 'urn:oasis:names:tc:emergency:cap:1.2';
/** A message of 1.1 is read where it also keeps the rules of 1.2 (they differ in few values); none is written. */
export const CAP_1_1_NAMESPACE = 'urn:oasis:names:tc:emergency:cap:1.1';
/** The media type of §1.2 in feeds and HTTP. */
export const CAP_MEDIA_TYPE = 'application/cap+xml';
/** The only elements that may follow the last `info`: an enveloped signature (§3.3.2.1). */
const XMLDSIG_NAMESPACE = 'http://www.w3.org/2000/09/xmldsig#';
/** Its schemaLocation attributes are no part of the message (XSD 1.0 part 1 §2.6.3). */
const XSI_NAMESPACE = 'http://www.w3.org/2001/XMLSchema-instance';

export const CAP_STATUSES = ['Actual', 'Exercise', 'System', 'Test', 'Draft'] as const;
export const CAP_MESSAGE_TYPES = ['Alert', 'Update', 'Cancel', 'Ack', 'Error'] as const;
export const CAP_SCOPES = ['Public', 'Restricted', 'Private'] as const;
export const CAP_CATEGORIES = [
  'Geo',
  'Met',
  'Safety',
  'Security',
  'Rescue',
  'Fire',
  'Health',
  'Env',
  'Transport',
  'Infra',
  'CBRNE',
  'Other',
] as const;
export const CAP_RESPONSE_TYPES = ['Shelter', 'Evacuate', 'Prepare', 'Execute', 'Avoid', 'Monitor', 'Assess', 'AllClear', 'None'] as const;
export const CAP_URGENCIES = ['Immediate', 'Expected', 'Future', 'Past', 'Unknown'] as const;
export const CAP_SEVERITIES = ['Extreme', 'Severe', 'Moderate', 'Minor', 'Unknown'] as const;
export const CAP_CERTAINTIES = ['Observed', 'Likely', 'Possible', 'Unlikely', 'Unknown'] as const;

/** Members are named like the elements, §3.2.1; a list is absent where it has no element. */
export interface CapAlert {
  readonly identifier: string;
  readonly sender: string;
  readonly sent: CapTime;
  readonly status: (typeof CAP_STATUSES)[number];
  readonly msgType: (typeof CAP_MESSAGE_TYPES)[number];
  readonly source?: string;
  readonly scope: (typeof CAP_SCOPES)[number];
  readonly restriction?: string;
  readonly addresses?: readonly string[];
  readonly code?: readonly string[];
  readonly note?: string;
  readonly references?: readonly CapReference[];
  readonly incidents?: readonly string[];
  /** One for each language. */
  readonly info?: readonly CapInfo[];
}

export interface CapNamedValue {
  readonly valueName: string;
  readonly value: string;
}

/** §3.2.2 */
export interface CapInfo {
  /** RFC 3066; absent means en-US. */
  readonly language?: string;
  readonly category: readonly (typeof CAP_CATEGORIES)[number][];
  readonly event: string;
  readonly responseType?: readonly (typeof CAP_RESPONSE_TYPES)[number][];
  readonly urgency: (typeof CAP_URGENCIES)[number];
  readonly severity: (typeof CAP_SEVERITIES)[number];
  readonly certainty: (typeof CAP_CERTAINTIES)[number];
  readonly audience?: string;
  readonly eventCode?: readonly CapNamedValue[];
  /** Absent means `sent`. */
  readonly effective?: CapTime;
  readonly onset?: CapTime;
  readonly expires?: CapTime;
  readonly senderName?: string;
  readonly headline?: string;
  readonly description?: string;
  readonly instruction?: string;
  readonly web?: string;
  readonly contact?: string;
  readonly parameter?: readonly CapNamedValue[];
  readonly resource?: readonly CapResource[];
  readonly area?: readonly CapArea[];
}

/** §3.2.3 */
export interface CapResource {
  readonly resourceDesc: string;
  readonly mimeType: string;
  /** Bytes. */
  readonly size?: number;
  readonly uri?: string;
  readonly derefUri?: string;
  /** SHA-1, hex; a SHA-256 belongs in a parameter. */
  readonly digest?: string;
}

/** §3.2.4 */
export interface CapArea {
  readonly areaDesc: string;
  /** Each closed: four points or more, the last equal to the first. */
  readonly polygon?: readonly (readonly CapPoint[])[];
  readonly circle?: readonly CapCircle[];
  readonly geocode?: readonly CapNamedValue[];
  /** Feet above mean sea level; the lower end of the range where there is a ceiling. */
  readonly altitude?: number;
  readonly ceiling?: number;
}

export type CapRefusalReason = XmlRefusalReason | 'namespace' | 'structure' | 'value' | 'rule';

export interface CapRefusal {
  readonly ok: false;
  /**
   * - `limit`, `encoding`, `doctype`, `entity`, `malformed`: see XmlRefusal
   * - `namespace`: the root is no alert of CAP 1.2 or 1.1
   * - `structure`: an element or attribute that is unknown, missing, repeated, in the wrong place
   * - `value`: a text that breaks the type of its element
   * - `rule`: a clause of §3.2 about more than one element
   */
  readonly reason: CapRefusalReason;
  /** Names the element by its path: `info[1]/area[0]/polygon[0]`. */
  readonly detail: string;
  /** Line of the document, from 1; 0 where the whole is meant. */
  readonly line: number;
}

interface Field {
  readonly name: string;
  readonly required: boolean;
  readonly many: boolean;
  /** A simple element's kind, or the elements within. */
  readonly content: Kind | readonly Field[];
}

const SHA1_HEX = /^[0-9A-Fa-f]{40}$/;

/** Leaves the reading or writing of one message; never leaves this file. */
class Refused extends Error {
  readonly reason: CapRefusalReason;
  readonly line: number;

  constructor(reason: CapRefusalReason, detail: string, line: number) {
    super(detail);
    this.reason = reason;
    this.line = line;
  }
}

const one = (name: string, content: Field['content']): Field => ({ name, required: true, many: false, content });
const maybe = (name: string, content: Field['content']): Field => ({ name, required: false, many: false, content });
const any = (name: string, content: Field['content']): Field => ({ name, required: false, many: true, content });
const some = (name: string, content: Field['content']): Field => ({ name, required: true, many: true, content });

const NAMED_VALUE: readonly Field[] = [one('valueName', text), one('value', text)];
const RESOURCE: readonly Field[] = [
  one('resourceDesc', text),
  one('mimeType', text),
  maybe('size', bytes),
  maybe('uri', uri),
  maybe('derefUri', text),
  maybe('digest', text),
];
const AREA: readonly Field[] = [
  one('areaDesc', text),
  any('polygon', polygon),
  any('circle', circle),
  any('geocode', NAMED_VALUE),
  maybe('altitude', decimal),
  maybe('ceiling', decimal),
];
const INFO: readonly Field[] = [
  maybe('language', language),
  some('category', among(CAP_CATEGORIES)),
  one('event', text),
  any('responseType', among(CAP_RESPONSE_TYPES)),
  one('urgency', among(CAP_URGENCIES)),
  one('severity', among(CAP_SEVERITIES)),
  one('certainty', among(CAP_CERTAINTIES)),
  maybe('audience', text),
  any('eventCode', NAMED_VALUE),
  maybe('effective', time),
  maybe('onset', time),
  maybe('expires', time),
  maybe('senderName', text),
  maybe('headline', text),
  maybe('description', text),
  maybe('instruction', text),
  maybe('web', uri),
  maybe('contact', text),
  any('parameter', NAMED_VALUE),
  any('resource', RESOURCE),
  any('area', AREA),
];
const ALERT: readonly Field[] = [
  one('identifier', token),
  one('sender', token),
  one('sent', time),
  one('status', among(CAP_STATUSES)),
  one('msgType', among(CAP_MESSAGE_TYPES)),
  maybe('source', text),
  one('scope', among(CAP_SCOPES)),
  maybe('restriction', text),
  maybe('addresses', words),
  any('code', text),
  maybe('note', text),
  maybe('references', references),
  maybe('incidents', words),
  any('info', INFO),
];

export interface CapMessage {
  readonly version: '1.2' | '1.1';
  readonly alert: CapAlert;
  /** An XML signature follows. It is not verified here: do not trust the message for having one. */
  readonly signed: boolean;
}

/**
 * Reads a message. What the schema of 1.2 refuses is refused, and in addition: identifiers that §3.2.1 forbids, lists,
 * references and shapes that cannot be told apart, Update, Cancel, Ack and Error without references.
 * @param document UTF-8, within the bounds of xml.ts
 */
export function parseCap(document: Uint8Array): ({ readonly ok: true } & CapMessage) | CapRefusal {
  const parsed = parseXml(document);
  if (!parsed.ok) return parsed;
  const { root } = parsed;
  const version = root.namespace === CAP_NAMESPACE ? '1.2' : root.namespace === CAP_1_1_NAMESPACE ? '1.1' : null;
  if (version === null || root.name !== 'alert') {
    return { ok: false, reason: 'namespace', detail: 'the root is no alert of CAP 1.2 or 1.1', line: root.line };
  }
  try {
    const { own, signed } = withoutSignature(root);
    const alert = groupIn(own, ALERT, '') as unknown as CapAlert;
    const broken = brokenRule(alert);
    if (broken !== null) throw new Refused('rule', broken, root.line);
    return { ok: true, version, alert, signed };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { ok: false, reason: error.reason, detail: error.message, line: error.line };
  }
}

/**
 * Writes a message of CAP 1.2. Whatever parseCap would refuse is refused, and what reads back as something else; and
 * two clauses that receivers forgive: UTC is written `-00:00` (§3.3.2), a digest is SHA-1 in hex (§3.2.3).
 * @returns the document, UTF-8
 */
export function writeCap(alert: CapAlert): { readonly ok: true; readonly document: Uint8Array } | CapRefusal {
  try {
    const lines = ['<?xml version="1.0" encoding="UTF-8"?>', `<alert xmlns="${CAP_NAMESPACE}">`];
    writeGroup(lines, alert as unknown as Members, ALERT, '', '  ');
    const strict = forgivenFault(alert);
    if (strict !== null) return { ok: false, reason: 'value', detail: strict, line: 0 };
    const document = new TextEncoder().encode(`${[...lines, '</alert>'].join('\n')}\n`);
    const back = parseCap(document);
    if (!back.ok) return back;
    const same = canonicalJson(back.alert) === canonicalJson(withoutEmptyLists(alert));
    return same ? { ok: true, document } : { ok: false, reason: 'value', detail: 'the message would read back otherwise', line: 0 };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { ok: false, reason: error.reason, detail: error.message, line: error.line };
  }
}

/**
 * A time as CAP writes it (§3.3.2 DateTime).
 * @param epochMs from 1970 to 9999; fractions of a second are cut off
 * @param offsetMinutes of the sender's zone, east positive, ±14 h at most; 0 is written -00:00
 */
export function capTime(epochMs: number, offsetMinutes: number): CapTime {
  const local = new Date(epochMs + offsetMinutes * 60_000).toISOString().slice(0, 19);
  const [hours, minutes] = [Math.trunc(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60];
  return `${local}${offsetMinutes > 0 ? '+' : '-'}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
}

/** How a later message names this one (§3.2.1 references). */
export function capReference({ sender, identifier, sent }: CapAlert): CapReference {
  return { sender, identifier, sent };
}

type Members = { readonly [name: string]: unknown };

/** The schema lets elements of XML-DSig follow the last info, and nothing else of other namespaces anywhere. */
function withoutSignature(root: XmlElement): { readonly own: XmlElement; readonly signed: boolean } {
  const first = root.children.findIndex(({ namespace }) => namespace === XMLDSIG_NAMESPACE);
  if (first === -1) return { own: root, signed: false };
  const other = root.children.slice(first).find(({ namespace }) => namespace !== XMLDSIG_NAMESPACE);
  if (other !== undefined) throw new Refused('structure', `<${brief(other.name)}> after the signature`, other.line);
  return { own: { ...root, children: root.children.slice(0, first) }, signed: true };
}

/** The elements of a group, in the order of the table (xs:sequence). */
function groupIn(element: XmlElement, fields: readonly Field[], path: string): Members {
  checkPlain(element, path);
  if (/[^ \t\n\r]/.test(element.text)) throw new Refused('structure', `${path || 'alert'}: text between elements`, element.line);
  const members: { [name: string]: unknown } = {};
  let at = 0;
  for (const child of element.children) {
    const index = fields.findIndex(({ name }) => name === child.name);
    const field = child.namespace === element.namespace ? fields[index] : undefined;
    if (field === undefined) throw new Refused('structure', `${path || 'alert'}: <${brief(child.name)}> is unknown here`, child.line);
    if (index < at) throw new Refused('structure', `${path || 'alert'}: <${field.name}> stands too late`, child.line);
    const before = members[field.name] as unknown[] | undefined;
    if (before !== undefined && !field.many) throw new Refused('structure', `${path || 'alert'}: <${field.name}> twice`, child.line);
    at = index;
    const place = `${path}${path === '' ? '' : '/'}${field.name}${field.many ? `[${before?.length ?? 0}]` : ''}`;
    const value = 'read' in field.content ? valueIn(child, field.content, place) : groupIn(child, field.content, place);
    if (!field.many) members[field.name] = value;
    else if (before === undefined) members[field.name] = [value];
    else before.push(value);
  }
  const missing = fields.find(({ name, required }) => required && members[name] === undefined);
  if (missing !== undefined) throw new Refused('structure', `${path || 'alert'}: <${missing.name}> is missing`, element.line);
  // An empty list, such as <references/>, says no more than none at all.
  for (const [name, value] of Object.entries(members)) if (Array.isArray(value) && value.length === 0) delete members[name];
  return members;
}

function valueIn(element: XmlElement, kind: Kind, path: string): unknown {
  checkPlain(element, path);
  if (element.children.length > 0) throw new Refused('structure', `${path}: an element within a text`, element.line);
  const value = kind.read(element.text);
  if (value === undefined)
    throw new Refused('value', `${path}: ${kind.expected}, not ${JSON.stringify(brief(element.text))}`, element.line);
  return value;
}

/** No element of CAP has attributes; a place where a schema is said to lie is ignored, never fetched. */
function checkPlain({ attributes, line }: XmlElement, path: string): void {
  const wrong = attributes.find(({ namespace, name }) => namespace !== XSI_NAMESPACE || !/^(?:noNamespaceS|s)chemaLocation$/.test(name));
  if (wrong !== undefined) throw new Refused('structure', `${path || 'alert'}: the attribute ${brief(wrong.name)}`, line);
}

function writeGroup(lines: string[], members: Members, fields: readonly Field[], path: string, indent: string): void {
  for (const { name, many, content } of fields) {
    const value = members[name];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    for (const [index, item] of (many ? (value as readonly unknown[]) : [value]).entries()) {
      const place = `${path}${path === '' ? '' : '/'}${name}${many ? `[${index}]` : ''}`;
      if ('read' in content) {
        const written = content.write(item as never);
        const escaped = written === undefined ? null : escapeXml(written);
        if (escaped === null) throw new Refused('value', `${place}: ${content.expected}`, 0);
        lines.push(`${indent}<${name}>${escaped}</${name}>`);
      } else {
        lines.push(`${indent}<${name}>`);
        writeGroup(lines, item as Members, content, place, `${indent}  `);
        lines.push(`${indent}</${name}>`);
      }
    }
  }
}

/** §3.2: what one element says about another. */
function brokenRule(alert: CapAlert): string | null {
  const { msgType, scope, references: earlier = [], sent } = alert;
  if (msgType !== 'Alert' && earlier.length === 0) return `${msgType} is about earlier messages: references must name them`;
  const sentMs = Date.parse(sent);
  // Ack and Error come from others, whose clocks may be behind.
  const replaces = msgType === 'Update' || msgType === 'Cancel';
  const later = replaces ? earlier.find((reference) => Date.parse(reference.sent) > sentMs) : undefined;
  if (later !== undefined) return `references: ${brief(later.identifier)} was sent after this message`;
  if (earlier.some(({ sender, identifier }) => sender === alert.sender && identifier === alert.identifier)) {
    return 'references: the message names itself';
  }
  if (scope === 'Restricted' && (alert.restriction ?? '').trim() === '') return 'scope Restricted needs a restriction';
  if (scope === 'Private' && (alert.addresses ?? []).length === 0) return 'scope Private needs addresses';
  for (const [at, { area = [] }] of (alert.info ?? []).entries()) {
    const wrong = area.findIndex(({ altitude, ceiling }) => ceiling !== undefined && altitude === undefined);
    if (wrong !== -1) return `info[${at}]/area[${wrong}]: a ceiling needs an altitude`;
  }
  return null;
}

/** What is not to be written though it may be read. */
function forgivenFault({ sent, info = [] }: CapAlert): string | null {
  const times = [sent, ...info.flatMap(({ effective, onset, expires }) => [effective, onset, expires])];
  if (times.some((value) => value?.endsWith('+00:00'))) return 'UTC is written -00:00';
  const digests = info.flatMap(({ resource = [] }) => resource.map(({ digest }) => digest));
  return digests.every((digest) => digest === undefined || SHA1_HEX.test(digest)) ? null : 'a digest is SHA-1 in hex';
}

/** As parseCap gives it: a member without elements is absent. */
function withoutEmptyLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyLists);
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined && !(Array.isArray(member) && member.length === 0));
  return Object.fromEntries(members.map(([name, member]) => [name, withoutEmptyLists(member)]));
}

/** As much of a stranger's text as a message about it may carry. */
function brief(written: string): string {
  return written.length > 64 ? `${written.slice(0, 64)}…` : written;
}
