/**
 * EPCIS event hash (CBV 2.0, section 8.9): an id that follows from what an event says, whatever form it comes in. Its fields are put
 * together to one text in a fixed order, without separators, lists sorted, and hashed.
 *
 * Business transactions, sources and destinations stand after the sensor elements and in order of name: so the reference implementation has
 * it, whose vectors are the examples printed with the algorithm; the table of the standard puts them before.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { canonicalDigitalLink } from './gs1-digital-link.ts';
import type { JsonValue } from './rfc8785.ts';

export type EpcisEvent = { readonly [field: string]: JsonValue | undefined };
/** By prefix, as the `@context` of the document says: `example` → `https://ns.example.com/epcis/`. */
export type Namespaces = { readonly [prefix: string]: string };

/** An element: its name, those of its children in order, and how its entries are called where the JSON form does not name them. */
interface Field {
  readonly name: string;
  readonly entry?: string;
  readonly children?: readonly Field[];
  /** Before a bare word of the vocabulary. */
  readonly vocabulary?: string;
}

const CBV = 'https://ref.gs1.org/cbv/';
const GS1 = 'https://gs1.org/voc/';
const named = (...names: readonly string[]): Field[] => names.map((name) => ({ name }));
const words = (vocabulary: string, ...names: readonly string[]): Field[] => names.map((name) => ({ name, vocabulary }));
const epcs = (name: string): Field => ({ name, entry: 'epc' });
const quantities = (name: string): Field => ({ name, entry: 'quantityElement', children: named('epcClass', 'quantity', 'uom') });
const typed = (name: string, vocabulary: string, value: string): Field => ({
  name,
  entry: '',
  children: [...words(vocabulary, 'type'), ...named(value)],
});

const METADATA = named('time', 'startTime', 'endTime', 'deviceID', 'deviceMetadata', 'rawData', 'dataProcessingMethod', 'bizRules');
const REPORT: readonly Field[] = [
  ...words(GS1, 'type', 'exception'),
  ...named('deviceID', 'deviceMetadata', 'rawData', 'dataProcessingMethod', 'time', 'microorganism', 'chemicalSubstance', 'value'),
  ...words(`${CBV}Comp-`, 'component'),
  ...named('stringValue', 'booleanValue', 'hexBinaryValue', 'uriValue', 'minValue', 'maxValue', 'meanValue', 'sDev', 'percRank'),
  ...named('percValue', 'uom', 'coordinateReferenceSystem'),
];
const FIELDS: readonly Field[] = [
  ...named('eventTime', 'eventTimeZoneOffset', 'certificationInfo', 'parentID'),
  ...['epcList', 'inputEPCList', 'childEPCs'].map(epcs),
  ...['quantityList', 'childQuantityList', 'inputQuantityList'].map(quantities),
  epcs('outputEPCList'),
  quantities('outputQuantityList'),
  ...named('action', 'transformationID'),
  ...words(`${CBV}BizStep-`, 'bizStep'),
  ...words(`${CBV}Disp-`, 'disposition'),
  { name: 'persistentDisposition', children: words(`${CBV}Disp-`, 'set', 'unset') },
  { name: 'readPoint', children: named('id') },
  { name: 'bizLocation', children: named('id') },
  {
    name: 'sensorElementList',
    entry: 'sensorElement',
    children: [
      { name: 'sensorMetadata', children: METADATA },
      { name: 'sensorReport', children: REPORT },
    ],
  },
  typed('bizTransactionList', `${CBV}BTT-`, 'bizTransaction'),
  typed('destinationList', `${CBV}SDT-`, 'destination'),
  { name: 'ilmd', children: [] },
  typed('sourceList', `${CBV}SDT-`, 'source'),
];
/** They say who recorded the event and under which name, not what happened. */
const LEFT_OUT = new Set(['type', 'recordTime', 'eventID', 'errorDeclaration', '@context']);
/** Beginnings of vocabulary terms as they may be written, and in full. */
const TERMS: readonly (readonly [urn: string, uri: string])[] = [
  ['gs1:', GS1],
  ['cbv:', CBV],
  ['epcis:', 'https://ref.gs1.org/epcis/'],
  ['urn:epcglobal:cbv:bizstep:', `${CBV}BizStep-`],
  ['urn:epcglobal:cbv:disp:', `${CBV}Disp-`],
  ['urn:epcglobal:cbv:btt:', `${CBV}BTT-`],
  ['urn:epcglobal:cbv:sdt:', `${CBV}SDT-`],
  ['urn:epcglobal:cbv:er:', `${CBV}ER-`],
];

/** The text that is hashed. @param event one event of the JSON form (EPCIS 2.0) */
export function epcisPreHash(event: EpcisEvent, namespaces: Namespaces): string {
  const extensions = extensionsOf(event, new Set(FIELDS.map(({ name }) => name)), namespaces);
  return `eventType=${event['type']}${FIELDS.map((field) => element(field, event[field.name], namespaces)).join('')}${extensions}`;
}

/** The event's id: `ni:///sha-256;…?ver=CBV2.0` (RFC 6920). */
export function epcisEventId(event: EpcisEvent, namespaces: Namespaces): string {
  return `ni:///sha-256;${bytesToHex(sha256(utf8ToBytes(epcisPreHash(event, namespaces))))}?ver=CBV2.0`;
}

function element(field: Field, value: JsonValue | undefined, namespaces: Namespaces): string {
  if (value === undefined || value === null) return '';
  const { name, entry } = field;
  const inner = entry === undefined ? name : entry;
  const entries = (Array.isArray(value) ? (value as readonly JsonValue[]) : [value]).map((item) => one(inner, field, item, namespaces));
  const text = entries
    .filter((item) => item !== '')
    .sort(byCodeUnit)
    .join('');
  return text === '' || entry === undefined ? text : name + text;
}

function one(name: string, field: Field, value: JsonValue, namespaces: Namespaces): string {
  if (!isObject(value)) return scalar(name, value, field.vocabulary);
  const children = field.children ?? [];
  const known = children.map((child) => element(child, value[child.name], namespaces)).join('');
  const text = known + extensionsOf(value, new Set(children.map((child) => child.name)), namespaces);
  return text === '' ? '' : name + text;
}

/** Whatever the standard does not name, in order of its text. */
function extensionsOf(value: EpcisEvent, known: ReadonlySet<string>, namespaces: Namespaces): string {
  const texts = Object.entries(value)
    .filter(([name]) => !known.has(name) && !LEFT_OUT.has(name))
    .flatMap(([name, content]) => extension(expandedName(name, namespaces), content, namespaces));
  return texts.sort(byCodeUnit).join('');
}

function extension(name: string, value: JsonValue | undefined, namespaces: Namespaces): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return (value as readonly JsonValue[]).flatMap((item) => extension(name, item, namespaces));
  if (!isObject(value)) return [scalar(name, value, undefined)];
  return [name + extensionsOf(value, new Set(), namespaces)];
}

function expandedName(name: string, namespaces: Namespaces): string {
  const [prefix = '', local] = name.split(/:(.*)/s);
  return local !== undefined && Object.hasOwn(namespaces, prefix) ? `{${namespaces[prefix]}}${local}` : name;
}

function scalar(name: string, value: JsonValue, vocabulary: string | undefined): string {
  const text = `${value}`.trim();
  if (text === '') return '';
  const isTime = /time/i.test(name) && !/offset/i.test(name) && !name.startsWith('{');
  return `${name}=${isTime ? inMilliseconds(text) : canonical(text, vocabulary)}`;
}

function canonical(text: string, vocabulary: string | undefined): string {
  if (vocabulary !== undefined && /^[A-Za-z0-9_]+$/.test(text)) return vocabulary + text;
  // No trailing zeros, no leading "+".
  if (/^[+-]?\d+(?:\.\d+)?$/.test(text) && Math.abs(Number(text)) <= Number.MAX_SAFE_INTEGER) return `${Number(text)}`;
  const urn = TERMS.find(([prefix]) => text.startsWith(prefix));
  if (urn !== undefined) return urn[1] + text.slice(urn[0].length);
  return canonicalDigitalLink(text) ?? text;
}

/** UTC with milliseconds; a fourth decimal of 5 or more rounds the third up. A text that is no time stays. */
function inMilliseconds(text: string): string {
  const [, seconds, fraction = '', zone] = /^(.+T\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const at = Date.parse(`${seconds}${zone}`);
  if (Number.isNaN(at)) return text;
  const digits = fraction.padEnd(4, '0');
  const ms = Number(digits.slice(0, 3)) + (digits.charAt(3) >= '5' ? 1 : 0);
  return new Date(at + ms).toISOString();
}

function isObject(value: JsonValue): value is EpcisEvent {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
