/** CAP 1.2: the texts of simple elements and the values they stand for (§3.2, §3.3.2, and the types of the schema in §3.4). */

/** Times are texts, `2026-11-22T10:05:00+08:00`: the offset is part of what the sender says (§3.3.2 DateTime). */
export type CapTime = string;

/** The message another one is about: the extended identifier `sender,identifier,sent` (§3.2.1 references). */
export interface CapReference {
  readonly sender: string;
  readonly identifier: string;
  readonly sent: CapTime;
}

/** Degrees, WGS 84, latitude first: the reverse of GeoJSON. */
export type CapPoint = readonly [latitude: number, longitude: number];

export interface CapCircle {
  readonly centre: CapPoint;
  readonly radiusKm: number;
}

/** How the text of an element is read and written. */
export interface Kind {
  /** What is expected, for the refusal. */
  readonly expected: string;
  /** undefined for a text that is no such value. */
  readonly read: (text: string) => unknown;
  /** undefined for a value that has no such text; what it writes is read back before anyone sees it. */
  readonly write: (value: never) => string | undefined;
}

/** The pattern of the schema, whose class `[-,+]` lets a comma through that xs:dateTime then refuses. */
const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([-+])(\d\d):(\d\d)$/;
/** §3.2.1: identifier and sender "MUST NOT include spaces, commas or restricted characters (< and &)". */
const TOKEN = /^[^\s,<&]+$/;
const LANGUAGE = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/;
/** Longer numbers say nothing about bytes, degrees or feet. */
const DECIMAL = /^[-+]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})$/;
/** RFC 3986 with what xs:anyURI lets stand unescaped; of `:` and `@`, and brackets, more below. */
const URI_CHAR = '[\\w\\-.~!$&\'()*+,;="<>{}|\\\\^`\\u0080-\\u{10FFFF}]|%[0-9A-Fa-f]{2}';
/** §3.2: user, host or address in brackets, port; validators refuse the empty port that the grammar knows. */
const AUTHORITY = `(?:(?:${URI_CHAR}|:)*@)?(?:\\[[0-9A-Fa-f:.]+\\]|(?:${URI_CHAR})*)(?::\\d{1,5})?(?=[/?#]|$)`;
/** Every part can be taken in one way only, so that matching is linear. */
const ANY_URI = new RegExp(
  `^(?:[A-Za-z][A-Za-z0-9+.\\-]*:|(?![^/?#]*:))(?://${AUTHORITY}|(?!//))` +
    `(?:${URI_CHAR}|[:@/])*(?:\\?(?:${URI_CHAR}|[:@/?])*)?(?:#(?:${URI_CHAR}|[:@/?])*)?$`,
  'u',
);
/** §3.2.1: separated by white space; an entry with white space in it stands in double quotes. */
const WORD = /"([^"]*)"(?=\s|$)|([^\s"]+)(?=\s|$)|(\S)/g;

export const text: Kind = { expected: 'a text', read: (written) => written, write: (value: string) => value };
export const token: Kind = { ...text, expected: 'a text without spaces, commas, "<" and "&"', read: (written) => fits(written, TOKEN) };
export const time: Kind = {
  ...text,
  expected: 'a time like 2026-11-22T10:05:00+08:00',
  read: (written) => (isTime(collapsed(written)) ? collapsed(written) : undefined),
};
export const language: Kind = { ...text, expected: 'a language tag', read: (written) => fits(collapsed(written), LANGUAGE) };
export const uri: Kind = { ...text, expected: 'a URI', read: (written) => fits(collapsed(written), ANY_URI) };
export const decimal: Kind = { expected: 'a decimal number', read: (written) => numberIn(collapsed(written)), write: decimalText };
export const bytes: Kind = { expected: 'a number of bytes', read: (written) => byteCountIn(collapsed(written)), write: decimalText };
export const words: Kind = {
  expected: 'entries separated by spaces, in double quotes where they have spaces',
  read: wordsIn,
  write: wordsText,
};
export const references: Kind = { expected: 'sender,identifier,sent for each message', read: referencesIn, write: referencesText };
export const polygon: Kind = {
  expected: 'four or more "latitude,longitude", the last like the first',
  read: polygonIn,
  write: polygonText,
};
export const circle: Kind = { expected: '"latitude,longitude radius"', read: circleIn, write: circleText };

/** A text that is one of these. */
export function among(values: readonly string[]): Kind {
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
