/**
 * HJ 212 污染物在线监控（监测）系统数据传输标准: the frames that pollutant monitors send to platforms over TCP (2017; of
 * 2025 its version bits, which share the frame).
 *
 *   frame        = "##" + length of the data segment (4 decimal digits) + data segment + CRC (4 hex digits) + CR LF
 *   data segment = QN=yyyyMMddHHmmssSSS;ST=22;CN=2011;PW=123456;MN=…;Flag=5;[PNUM=2;PNO=1;]CP=&&k=v,k=v;k=v&&
 */

/** A monitor does not send longer data segments: it splits them (PNUM, PNO). */
export const HJ212_SEGMENT_MAX_BYTES = 1024;
const HEAD_BYTES = 6;
const TAIL_BYTES = 6;
export const HJ212_FRAME_MAX_BYTES = HEAD_BYTES + HJ212_SEGMENT_MAX_BYTES + TAIL_BYTES;

/** Flag bit 0: the sender wants an answer. */
export const HJ212_FLAG_ANSWER = 1;
/** Flag bit 1: PNUM and PNO are there. */
export const HJ212_FLAG_SPLIT = 2;
/** Flag bits 2 to 7: version of the standard; 0 = 2005, 1 = 2017, 2 = 2025. */
const FLAG_VERSION = 0xfc;

/** Command numbers (CN) that the platform knows. */
export const HJ212_CN = {
  realtime: '2011',
  minute: '2051',
  hour: '2061',
  day: '2031',
  noticeAnswer: '9013',
  dataAnswer: '9014',
  heartbeat: '9015',
} as const;
/** ST of what platform and monitor say to each other about the exchange itself. */
const SYSTEM_EXCHANGE = '91';

/** What is wrong with bytes that are no frame. */
export type Hj212Fault = 'garbage' | 'length' | 'end' | 'crc' | 'segment';
export interface Hj212Refusal {
  readonly ok: false;
  readonly fault: Hj212Fault;
  readonly detail: string;
}
export type Hj212Outcome<T> = { readonly ok: true; readonly value: T } | Hj212Refusal;

export interface Hj212Item {
  readonly key: string;
  readonly value: string;
}

export interface Hj212Segment {
  /** Request number: the time of sending, 17 digits. */
  readonly qn?: string;
  /** System, two digits: 22 air quality, 31 air pollution source, 32 surface water … */
  readonly st: string;
  /** Command, four digits. */
  readonly cn: string;
  /** Password of the transport; absent in a segment that was stored without it. */
  readonly pw?: string;
  /** The monitor's own number. */
  readonly mn: string;
  /** 0 to 255, absent in some frames of 2005. */
  readonly flag?: number;
  /** Of how many packets this is part `pno`, from 1. */
  readonly pnum?: number;
  readonly pno?: number;
  /** CP: groups between `;`, items between `,`. */
  readonly groups: readonly (readonly Hj212Item[])[];
}

const encoder = new TextEncoder();

/**
 * CRC of the data segment: the whole register is shifted right by 8 before each byte, unlike in Modbus.
 * @returns 0 to 0xFFFF; it is written as 4 hex digits, high byte first
 */
export function hj212Crc(segment: Uint8Array): number {
  let register = 0xffff;
  for (const byte of segment) {
    register = (register >> 8) ^ byte;
    for (let i = 0; i < 8; i++) register = (register & 1) === 1 ? (register >> 1) ^ 0xa001 : register >> 1;
  }
  return register;
}

/**
 * Puts a data segment into a frame.
 * @throws RangeError when it is longer than HJ212_SEGMENT_MAX_BYTES: our own mistake
 */
export function frameHj212(segment: string): Uint8Array {
  const bytes = encoder.encode(segment);
  if (bytes.length > HJ212_SEGMENT_MAX_BYTES) throw new RangeError(`a data segment of ${bytes.length} bytes`);
  const crc = hj212Crc(bytes).toString(16).toUpperCase().padStart(4, '0');
  return encoder.encode(`##${String(bytes.length).padStart(4, '0')}${segment}${crc}\r\n`);
}

/** @returns the data segment's bytes (a view) of exactly one frame, or what is wrong: garbage, length, end, crc */
export function unframeHj212(frame: Uint8Array): Hj212Outcome<Uint8Array> {
  if (frame[0] !== HASH || frame[1] !== HASH) return fault('garbage', 'no ## at the beginning');
  const length = lengthAt(frame, 0);
  if (length === undefined) return fault('length', 'the length is not four digits');
  if (length > HJ212_SEGMENT_MAX_BYTES) return fault('length', `${length} bytes; the limit is ${HJ212_SEGMENT_MAX_BYTES}`);
  const crcAt = HEAD_BYTES + length;
  if (frame.length !== crcAt + TAIL_BYTES || frame[crcAt + 4] !== CR || frame[crcAt + 5] !== LF)
    return fault('end', `no CR LF where a length of ${length} puts it`);
  const segment = frame.subarray(HEAD_BYTES, crcAt);
  const claimed = ascii(frame.subarray(crcAt, crcAt + 4));
  const computed = hj212Crc(segment);
  // Lower-case digits occur in published test data.
  if (!/^[0-9A-Fa-f]{4}$/.test(claimed) || Number.parseInt(claimed, 16) !== computed)
    return fault(
      'crc',
      `the frame says ${JSON.stringify(claimed)}, its bytes give ${computed.toString(16).toUpperCase().padStart(4, '0')}`,
    );
  return { ok: true, value: segment };
}

const HASH = 0x23;
const CR = 0x0d;
const LF = 0x0a;

function lengthAt(bytes: Uint8Array, at: number): number | undefined {
  const digits = ascii(bytes.subarray(at + 2, at + HEAD_BYTES));
  return /^\d{4}$/.test(digits) ? Number(digits) : undefined;
}

/** One character for each byte, so that a detail can show what is not ASCII. */
function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function fault(kind: Hj212Fault, detail: string): Hj212Refusal {
  return { ok: false, fault: kind, detail };
}

/** Header fields by name; other names occur in the field and are passed over. */
const HEADER: { readonly [name: string]: RegExp } = {
  QN: /^\d{17}$/,
  ST: /^\d{2}$/,
  CN: /^\d{4}$/,
  PW: /^[!-:<-~]{1,64}$/,
  MN: /^[0-9A-Za-z._-]{1,64}$/,
  Flag: /^(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/,
  PNUM: /^\d{1,5}$/,
  PNO: /^\d{1,5}$/,
};

/**
 * Parses a data segment, ASCII text without its frame.
 * @returns the fields; fault `segment` when it is none. Empty groups and items (a trailing `;`) are passed over.
 */
export function parseHj212(text: string): Hj212Outcome<Hj212Segment> {
  if (!/^[ -~]*$/.test(text)) return fault('segment', 'a character that is not printable ASCII');
  const body = /^(.*?)CP=&&(.*)&&$/.exec(text);
  if (body === null) return fault('segment', 'no CP=&&…&& at the end');
  const fields = headerFields(body[1] as string);
  if (typeof fields === 'string') return fault('segment', fields);
  const groups = cpGroups(body[2] as string);
  if (typeof groups === 'string') return fault('segment', groups);
  const { QN: qn, ST: st, CN: cn, PW: pw, MN: mn, Flag: flag, PNUM: pnum, PNO: pno } = fields;
  if (st === undefined || cn === undefined || mn === undefined) return fault('segment', 'ST, CN or MN is missing');
  if ((pnum === undefined) !== (pno === undefined) || Number(pno) < 1 || Number(pno) > Number(pnum))
    return fault('segment', `packet ${pno} of ${pnum}`);
  return {
    ok: true,
    value: {
      ...(qn === undefined ? {} : { qn }),
      ...{ st, cn, mn },
      ...(pw === undefined ? {} : { pw }),
      ...(flag === undefined ? {} : { flag: Number(flag) }),
      ...(pnum === undefined ? {} : { pnum: Number(pnum), pno: Number(pno) }),
      groups,
    },
  };
}

function headerFields(text: string): { readonly [name: string]: string | undefined } | string {
  const fields: { [name: string]: string } = {};
  for (const part of text.split(';')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(at, 0));
    if (at < 1) return `${JSON.stringify(part.slice(0, 32))} is no name=value`;
    if (!Object.hasOwn(HEADER, name)) continue;
    const value = part.slice(at + 1);
    // The value of PW stays out of every diagnostic.
    if (!HEADER[name]?.test(value)) return name === 'PW' ? 'PW is not a password' : `${name} is ${JSON.stringify(value.slice(0, 32))}`;
    if (Object.hasOwn(fields, name)) return `${name} stands twice`;
    fields[name] = value;
  }
  return fields;
}

function cpGroups(text: string): Hj212Item[][] | string {
  const groups: Hj212Item[][] = [];
  for (const group of text.split(';')) {
    const items: Hj212Item[] = [];
    for (const item of group.split(',')) {
      if (item === '') continue;
      const match = /^([0-9A-Za-z_-]{1,64})=([^=&]*)$/.exec(item);
      if (match === null) return `${JSON.stringify(item.slice(0, 64))} is no key=value`;
      items.push({ key: match[1] as string, value: match[2] as string });
    }
    if (items.length > 0) groups.push(items);
  }
  return groups;
}

/** The data segment's text, fields in the order of the standard; put it into a frame with `frameHj212`. */
export function formatHj212(segment: Hj212Segment): string {
  const { qn, st, cn, pw, mn, flag, pnum, pno, groups } = segment;
  const header = [
    ['QN', qn],
    ['ST', st],
    ['CN', cn],
    ['PW', pw],
    ['MN', mn],
    ['Flag', flag],
    ['PNUM', pnum],
    ['PNO', pno],
  ] as const;
  const fields = header.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${value};`);
  const cp = groups.map((group) => group.map(({ key, value }) => `${key}=${value}`).join(',')).join(';');
  return `${fields.join('')}CP=&&${cp}&&`;
}

/** Whether the sender waits for an answer. */
export function wantsAnswer(segment: Hj212Segment): boolean {
  return ((segment.flag ?? 0) & HJ212_FLAG_ANSWER) !== 0;
}

/**
 * The frame that answers `segment`: same QN and MN, same version, and no answer to the answer.
 * @param cn 9014 for data, 9013 for a notice
 */
export function formatAnswer(segment: Hj212Segment, cn: '9013' | '9014'): Uint8Array {
  const { qn, pw, mn, flag = 0 } = segment;
  return frameHj212(
    formatHj212({
      ...(qn === undefined ? {} : { qn }),
      ...(pw === undefined ? {} : { pw }),
      ...{ st: SYSTEM_EXCHANGE, cn, mn, flag: flag & FLAG_VERSION, groups: [] },
    }),
  );
}

/** What a cutter found: a frame's data segment, or bytes that are none. Copies, not views. */
export type Hj212Cut = { readonly ok: true; readonly segment: Uint8Array } | (Hj212Refusal & { readonly bytes: Uint8Array });

/**
 * Finds frames in a stream of bytes, however packets split and glue them. After bytes that are no frame it goes on at
 * the next `##`; it never keeps more than a frame.
 */
export class Hj212Cutter {
  #rest = new Uint8Array(0);
  /** A run of bytes outside frames is told once, when it begins. */
  #inGarbage = false;

  /** Bytes that wait for the rest of their frame; less than HJ212_FRAME_MAX_BYTES. */
  get pendingBytes(): number {
    return this.#rest.length;
  }

  push(chunk: Uint8Array): Hj212Cut[] {
    const bytes = new Uint8Array(this.#rest.length + chunk.length);
    bytes.set(this.#rest);
    bytes.set(chunk, this.#rest.length);
    const cuts: Hj212Cut[] = [];
    let at = 0;
    while (at < bytes.length) {
      const start = nextStart(bytes, at);
      if (start > at) this.#skip(bytes.subarray(at, start), cuts);
      at = start;
      if (bytes.length - at < HEAD_BYTES) break;
      const length = lengthAt(bytes, at);
      const end = at + HEAD_BYTES + (length ?? 0) + TAIL_BYTES;
      const isPossible = length !== undefined && length <= HJ212_SEGMENT_MAX_BYTES;
      if (isPossible && end > bytes.length) break;
      const frame = bytes.slice(at, isPossible ? end : at + HEAD_BYTES);
      const opened = unframeHj212(frame);
      this.#inGarbage = !opened.ok && opened.fault !== 'crc';
      cuts.push(opened.ok ? { ok: true, segment: opened.value } : { ...opened, bytes: frame });
      // With CR LF in its place the length was right; otherwise the next frame may begin inside what it claimed.
      at = this.#inGarbage ? at + 1 : end;
    }
    this.#rest = bytes.slice(at);
    return cuts;
  }

  #skip(bytes: Uint8Array, cuts: Hj212Cut[]): void {
    // Some monitors send more line ends than one.
    if (this.#inGarbage || bytes.every((byte) => byte === CR || byte === LF)) return;
    this.#inGarbage = true;
    cuts.push({ ...fault('garbage', 'bytes outside a frame'), bytes: bytes.slice(0, HJ212_FRAME_MAX_BYTES) });
  }
}

/** Where the next `##` begins, or may begin with the last byte; the end when there is none. */
function nextStart(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    if (bytes[at] === HASH && (at + 1 === bytes.length || bytes[at + 1] === HASH)) return at;
  }
  return bytes.length;
}

/**
 * The data segment without its password: the field `PW=…;` is cut out, every other byte stays. Where no such field can be
 * told, as in damaged bytes, all before `CP=` goes, since the digits may be anywhere in it.
 */
export function withoutPassword(segment: Uint8Array): Uint8Array {
  const text = String.fromCharCode(...segment);
  const cpAt = text.indexOf('CP=');
  const header = cpAt < 0 ? text : text.slice(0, cpAt);
  const field = /(?:^|;)(PW=[^;]*;)/.exec(header);
  if (field === null) return cpAt < 0 ? new Uint8Array(0) : segment.slice(cpAt);
  const from = field.index + field[0].length - (field[1] as string).length;
  const out = new Uint8Array(segment.length - (field[1] as string).length);
  out.set(segment.subarray(0, from));
  out.set(segment.subarray(from + (field[1] as string).length), from);
  return out;
}
