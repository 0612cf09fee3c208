/**
 * OASIS Common Alerting Protocol 1.2 (ITU-T X.1303 bis): alerts as XML, read and written by one table that states what the
 * schema of §3.4 states: order, number, type of every element. Clauses that no schema can tell (§3.2) are checked as well.
 */
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

/** Times are texts, `2026-11-22T10:05:00+08:00`: the offset is part of what the sender says (§3.3.2 DateTime). */
export type CapTime = string;

/** The message another one is about: the extended identifier `sender,identifier,sent` (§3.2.1 references). */
export interface CapReference {
  readonly sender: string;
  readonly identifier: string;
  readonly sent: CapTime;
}

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

/** Degrees, WGS 84, latitude first: the reverse of GeoJSON. */
export type CapPoint = readonly [latitude: number, longitude: number];

export interface CapCircle {
  readonly centre: CapPoint;
  readonly radiusKm: number;
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

/** How the text of an element is read and written. */
interface Kind {
  /** What is expected, for the refusal. */
  readonly expected: string;
  /** undefined for a text that is no such value. */
  readonly read: (text: string) => unknown;
  /** undefined for a value that has no such text; what it writes is read back before anyone sees it. */
  readonly write: (value: never) => string | undefined;
}

interface Field {
  readonly name: string;
  readonly required: boolean;
  readonly many: boolean;
  /** A simple element's kind, or the elements within. */
  readonly content: Kind | readonly Field[];
}

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

/** The pattern of the schema, whose class `[-,+]` lets a comma through that xs:dateTime then refuses. */
const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([-+])(\d\d):(\d\d)$/;
/** §3.2.1: identifier and sender "MUST NOT include spaces, commas or restricted characters (< and &)". */
const TOKEN = /^[^\s,<&]+$/;
const LANGUAGE = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/;
/** Longer numbers say nothing about bytes, degrees or feet. */
const DECIMAL = /^[-+]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})$/;
const SHA1_HEX = /^[0-9A-Fa-f]{40}$/;
/** RFC 3986 with what xs:anyURI lets stand unescaped; brackets only around the address of a host. */
const URI_CHAR = '(?:[\\w\\-.~!$&\'()*+,;=:@"<>{}|\\\\^`\\u0080-\\u{10FFFF}]|%[0-9A-Fa-f]{2})';
/** Every part can be taken in one way only, so that matching is linear. */
const ANY_URI = new RegExp(
  `^(?:[A-Za-z][A-Za-z0-9+.\\-]*:|(?![^/?#]*:))(?://${URI_CHAR}*\\[[0-9A-Fa-f:.]+\\](?::\\d*)?(?=[/?#]|$))?` +
    `(?:${URI_CHAR}|/)*(?:\\?(?:${URI_CHAR}|[/?])*)?(?:#(?:${URI_CHAR}|[/?])*)?$`,
  'u',
);
/** §3.2.1: separated by white space; an entry with white space in it stands in double quotes. */
const WORD = /"([^"]*)"(?=\s|$)|([^\s"]+)(?=\s|$)|(\S)/g;

const text: Kind = { expected: 'a text', read: (written) => written, write: (value: string) => value };
const token: Kind = { ...text, expected: 'a text without spaces, commas, "<" and "&"', read: (written) => fits(written, TOKEN) };
const time: Kind = {
  ...text,
  expected: 'a time like 2026-11-22T10:05:00+08:00',
  read: (written) => (isTime(collapsed(written)) ? collapsed(written) : undefined),
};
const language: Kind = { ...text, expected: 'a language tag', read: (written) => fits(collapsed(written), LANGUAGE) };
const uri: Kind = { ...text, expected: 'a URI', read: (written) => fits(collapsed(written), ANY_URI) };
const decimal: Kind = { expected: 'a decimal number', read: (written) => numberIn(collapsed(written)), write: decimalText };
const bytes: Kind = { expected: 'a number of bytes', read: (written) => byteCountIn(collapsed(written)), write: decimalText };
const words: Kind = { expected: 'entries separated by spaces, in double quotes where they have spaces', read: wordsIn, write: wordsText };
const references: Kind = { expected: 'sender,identifier,sent for each message', read: referencesIn, write: referencesText };
const polygon: Kind = { expected: 'four or more "latitude,longitude", the last like the first', read: polygonIn, write: polygonText };
const circle: Kind = { expected: '"latitude,longitude radius"', read: circleIn, write: circleText };

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

function among(values: readonly string[]): Kind {
  return { ...text, expected: `one of ${values.join(', ')}`, read: (written) => (values.includes(written) ? written : undefined) };
}

function fits(written: string, pattern: RegExp): string | undefined {
  return pattern.test(written) ? written : undefined;
}

/** The whiteSpace facet `collapse` of every XSD type but xs:string. */
function collapsed(written: string): string {
  return written.replace(/[ \t\n\r]+/g, ' ').replace(/^ | $/g, '');
}

/** xs:dateTime as far as the pattern lets it through: a day that exists, 24:00:00 as the end of one, zones up to ±14:00. */
function isTime(written: string): boolean {
  const [year, month, day, hour, minute, second, , zoneHour, zoneMinute] = (TIME.exec(written)?.slice(1) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined || hour === undefined || year === 0) return false;
  if (minute === undefined || second === undefined || zoneHour === undefined || zoneMinute === undefined) return false;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (month < 1 || month > 12 || date.getUTCDate() !== day || date.getUTCMonth() !== month - 1) return false;
  const inDay = hour < 24 ? minute < 60 && second < 60 : hour === 24 && minute === 0 && second === 0;
  return inDay && zoneMinute < 60 && zoneHour * 60 + zoneMinute <= 14 * 60;
}

function numberIn(written: string): number | undefined {
  return DECIMAL.test(written) ? Number(written) : undefined;
}

function byteCountIn(written: string): number | undefined {
  const count = /^\+?\d{1,16}$/.test(written) ? Number(written) : Number.NaN;
  return Number.isSafeInteger(count) ? count : undefined;
}

/** Never with an exponent, which xs:decimal does not know. */
function decimalText(value: number): string {
  const shortest = String(value);
  return /e-/.test(shortest) ? value.toFixed(20).replace(/0+$/, '') : shortest;
}

function wordsIn(written: string): readonly string[] | undefined {
  const found: string[] = [];
  for (const [, quoted, plain] of written.matchAll(WORD)) {
    const word = quoted ?? plain;
    if (word === undefined) return undefined;
    found.push(word);
  }
  return found;
}

function wordsText(value: readonly string[]): string | undefined {
  if (value.some((word) => word.includes('"'))) return undefined;
  return value.map((word) => (word === '' || /\s/.test(word) ? `"${word}"` : word)).join(' ');
}

function referencesIn(written: string): readonly CapReference[] | undefined {
  const found: CapReference[] = [];
  for (const triple of written.split(/\s+/).filter((part) => part !== '')) {
    const [sender = '', identifier = '', sent = '', ...more] = triple.split(',');
    if (!TOKEN.test(sender) || !TOKEN.test(identifier) || !isTime(sent) || more.length > 0) return undefined;
    found.push({ sender, identifier, sent });
  }
  return found;
}

function referencesText(value: readonly CapReference[]): string {
  return value.map(({ sender, identifier, sent }) => `${sender},${identifier},${sent}`).join(' ');
}

function pointIn(written: string): CapPoint | undefined {
  const [latitude, longitude, ...more] = written.split(',').map(numberIn);
  if (latitude === undefined || longitude === undefined || more.length > 0) return undefined;
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? [latitude, longitude] : undefined;
}

/** §3.2.4: "a minimum of four coordinate pairs … the first and last pairs of coordinates MUST be the same". */
function polygonIn(written: string): readonly CapPoint[] | undefined {
  const points = collapsed(written).split(' ').map(pointIn);
  const [first, last] = [points[0], points.at(-1)];
  if (points.length < 4 || first === undefined || last === undefined || first[0] !== last[0] || first[1] !== last[1]) return undefined;
  return points.every((point) => point !== undefined) ? points : undefined;
}

function polygonText(value: readonly CapPoint[]): string {
  return value.map(pointText).join(' ');
}

function pointText([latitude, longitude]: CapPoint): string {
  return `${decimalText(latitude)},${decimalText(longitude)}`;
}

function circleIn(written: string): CapCircle | undefined {
  const [point = '', radius = '', ...more] = collapsed(written).split(' ');
  const [centre, radiusKm] = [pointIn(point), numberIn(radius)];
  return centre === undefined || radiusKm === undefined || radiusKm < 0 || more.length > 0 ? undefined : { centre, radiusKm };
}

function circleText({ centre, radiusKm }: CapCircle): string {
  return `${pointText(centre)} ${decimalText(radiusKm)}`;
}

/** As much of a stranger's text as a message about it may carry. */
function brief(written: string): string {
  return written.length > 64 ? `${written.slice(0, 64)}…` : written;
}
