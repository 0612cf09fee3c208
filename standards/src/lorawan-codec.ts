/**
 * What is in the payload bytes of a LoRaWAN device, told by a table instead of a script (LoRa Alliance TS013 names the
 * script's interface; a table does the same, and cannot do anything else). Two forms cover what is in use:
 *
 * - `tlv`: channel and type bytes before each value (Cayenne LPP and its likes, Milesight)
 * - `flag-words`: a header, a word of flags, and for each flag that is set a group of bytes (Decentlab)
 */

/** How a number lies in its bytes: unsigned or signed, bits, byte order. */
export const CODEC_NUMBERS = [
  'u8',
  'i8',
  'u16le',
  'u16be',
  'i16le',
  'i16be',
  'u24le',
  'u24be',
  'u32le',
  'u32be',
  'i32le',
  'i32be',
  'f32le',
  'f32be',
] as const;
export type CodecNumber = (typeof CODEC_NUMBERS)[number];

/** A value: the number at `at`, times `multiply`, divided by `divide`, plus `add`, in this order, in doubles. */
export interface CodecValue {
  readonly property: string;
  /** Bytes from the beginning of the group. Default 0. */
  readonly at?: number;
  readonly as: CodecNumber;
  readonly multiply?: number;
  readonly divide?: number;
  readonly add?: number;
  /** UCUM, where it is not the dataset's unit for this property. */
  readonly unit?: string;
}

export interface CodecGroup {
  readonly bytes: number;
  /** None: the group is known and passed over. */
  readonly values: readonly CodecValue[];
}

interface CodecPorts {
  /** fPorts on which the table holds; absent: all from 1. */
  readonly fPorts?: readonly number[];
}

export interface TlvCodec extends CodecPorts {
  readonly form: 'tlv';
  readonly entries: readonly (CodecGroup & {
    /** The bytes that announce the group, hex: `0367` is channel 3, type 0x67. */
    readonly tag: string;
  })[];
}

export interface FlagWordsCodec extends CodecPorts {
  readonly form: 'flag-words';
  /** First bytes, hex; a frame that begins otherwise is of another version. */
  readonly begins?: string;
  /** Bytes before the flags, those of `begins` included. */
  readonly header: CodecGroup;
  /** From the least significant bit of the flags (16 bits, big-endian) on. */
  readonly groups: readonly CodecGroup[];
}

export type LorawanCodec = TlvCodec | FlagWordsCodec;

export interface DecodedValue {
  readonly property: string;
  readonly result: number;
  readonly unit?: string;
}
export type CodecOutcome =
  | { readonly ok: true; readonly values: readonly DecodedValue[] }
  | { readonly ok: false; readonly detail: string };

export const CODEC_GROUPS_MAX = 64;
export const CODEC_GROUP_BYTES_MAX = 64;
export const CODEC_TAG_BYTES_MAX = 4;
const FLAGS_BYTES = 2;
const FLAGS_BITS = 16;

/**
 * Decodes a frame. All of it must be understood: bytes that the table does not explain would be values lost unnoticed.
 * @param codec for which `codecFault` found nothing
 * @returns values in the order of the frame, or what was not understood
 */
export function decodeFrame(codec: LorawanCodec, fPort: number, frame: Uint8Array): CodecOutcome {
  if (codec.fPorts?.includes(fPort) === false) return refuse(`port ${fPort} is not in the codec`);
  return codec.form === 'tlv' ? decodeTlv(codec, frame) : decodeFlagWords(codec, frame);
}

function decodeTlv({ entries }: TlvCodec, frame: Uint8Array): CodecOutcome {
  const values: DecodedValue[] = [];
  for (let at = 0; at < frame.length; ) {
    const entry = entries.find(({ tag }) => frame.subarray(at, at + tag.length / 2).toHex() === tag);
    if (entry === undefined) return refuse(`byte ${at}: ${frame.subarray(at, at + 2).toHex()} is not in the codec`);
    at += entry.tag.length / 2;
    if (at + entry.bytes > frame.length) return refuse(`byte ${at}: ${entry.tag} breaks off`);
    values.push(...valuesOf(entry, frame, at));
    at += entry.bytes;
  }
  return distinct(values);
}

function decodeFlagWords({ begins = '', header, groups }: FlagWordsCodec, frame: Uint8Array): CodecOutcome {
  if (frame.length < header.bytes + FLAGS_BYTES) return refuse(`${frame.length} bytes are no header`);
  if (frame.subarray(0, begins.length / 2).toHex() !== begins) return refuse(`the frame does not begin with ${begins}`);
  const flags = numberAt(frame, header.bytes, 'u16be');
  const values = valuesOf(header, frame, 0);
  let at = header.bytes + FLAGS_BYTES;
  for (let bit = 0; bit < FLAGS_BITS; bit++) {
    if ((flags & (1 << bit)) === 0) continue;
    const group = groups[bit];
    if (group === undefined) return refuse(`flag ${bit} is not in the codec`);
    if (at + group.bytes > frame.length) return refuse(`byte ${at}: group ${bit} breaks off`);
    values.push(...valuesOf(group, frame, at));
    at += group.bytes;
  }
  return at === frame.length ? distinct(values) : refuse(`${frame.length - at} bytes behind the last group`);
}

function valuesOf({ values }: CodecGroup, frame: Uint8Array, from: number): DecodedValue[] {
  return values.map(({ property, at = 0, as, multiply = 1, divide = 1, add = 0, unit }) => {
    const result = (numberAt(frame, from + at, as) * multiply) / divide + add;
    return unit === undefined ? { property, result } : { property, result, unit };
  });
}

function distinct(values: readonly DecodedValue[]): CodecOutcome {
  const twice = values.find(({ property }, i) => values.findIndex((other) => other.property === property) < i);
  return twice === undefined ? { ok: true, values } : refuse(`${twice.property} stands twice`);
}

function numberAt(frame: Uint8Array, at: number, as: CodecNumber): number {
  const view = new DataView(frame.buffer, frame.byteOffset + at, sizeOf(as));
  const isLittle = as.endsWith('le');
  switch (as) {
    case 'u8':
      return view.getUint8(0);
    case 'i8':
      return view.getInt8(0);
    case 'u16le':
    case 'u16be':
      return view.getUint16(0, isLittle);
    case 'i16le':
    case 'i16be':
      return view.getInt16(0, isLittle);
    case 'u24le':
      return view.getUint16(0, true) + view.getUint8(2) * 0x10000;
    case 'u24be':
      return view.getUint16(0, false) * 0x100 + view.getUint8(2);
    case 'u32le':
    case 'u32be':
      return view.getUint32(0, isLittle);
    case 'i32le':
    case 'i32be':
      return view.getInt32(0, isLittle);
    case 'f32le':
    case 'f32be':
      return view.getFloat32(0, isLittle);
  }
}

/** Bytes of a number. */
function sizeOf(as: CodecNumber): number {
  return Number.parseInt(as.slice(1), 10) / 8;
}

/**
 * What is wrong with a table that somebody wrote; undefined when nothing is: it is a LorawanCodec then.
 * @param isProperty is this a name a property may have?
 */
export function codecFault(codec: unknown, isProperty: (name: string) => boolean): string | undefined {
  if (!isObject(codec)) return 'an object with "form" is wanted';
  const { form, fPorts, entries, header, groups, begins = '' } = codec as { [name: string]: unknown };
  if (fPorts !== undefined && !(Array.isArray(fPorts) && fPorts.every((port) => isWithin(port, 1, 255))))
    return 'fPorts: numbers of 1 to 255';
  const listed = form === 'tlv' ? entries : groups;
  if (form !== 'tlv' && form !== 'flag-words') return 'form: tlv or flag-words';
  if (!Array.isArray(listed) || listed.length === 0 || listed.length > CODEC_GROUPS_MAX)
    return `1 to ${CODEC_GROUPS_MAX} ${form === 'tlv' ? 'entries' : 'groups'}`;
  const all = form === 'tlv' ? listed : [...listed, header];
  const fault = all.map((group) => groupFault(group, isProperty)).find((found) => found !== undefined);
  if (fault !== undefined) return fault;
  if (form === 'tlv') return tagsFault((listed as TlvCodec['entries']).map(({ tag }) => tag));
  if (listed.length > FLAGS_BITS) return `at most ${FLAGS_BITS} groups`;
  return isHex(begins) && begins.length / 2 <= (header as CodecGroup).bytes ? undefined : 'begins: hex digits within the header';
}

function tagsFault(tags: readonly unknown[]): string | undefined {
  for (const [i, tag] of tags.entries()) {
    if (!isHex(tag) || tag === '' || tag.length / 2 > CODEC_TAG_BYTES_MAX)
      return `tag ${JSON.stringify(tag)}: 1 to ${CODEC_TAG_BYTES_MAX} bytes, lower-case hex`;
    const other = tags.slice(0, i).find((earlier) => tag.startsWith(earlier as string) || (earlier as string).startsWith(tag));
    if (other !== undefined) return `tag ${tag} and tag ${other} begin alike`;
  }
  return undefined;
}

function groupFault(group: unknown, isProperty: (name: string) => boolean): string | undefined {
  if (!isObject(group)) return 'a group has "bytes" and "values"';
  const { bytes, values } = group as { bytes?: unknown; values?: unknown };
  if (!isWithin(bytes, 0, CODEC_GROUP_BYTES_MAX)) return `bytes: 0 to ${CODEC_GROUP_BYTES_MAX}`;
  if (!Array.isArray(values)) return 'values: a list';
  return values.map((value) => valueFault(value, bytes, isProperty)).find((found) => found !== undefined);
}

function valueFault(value: unknown, bytes: number, isProperty: (name: string) => boolean): string | undefined {
  if (!isObject(value)) return 'a value has "property" and "as"';
  const { property, at = 0, as, multiply = 1, divide = 1, add = 0, unit = '1' } = value as { [name: string]: unknown };
  if (typeof property !== 'string' || !isProperty(property)) return `property name ${JSON.stringify(property)}`;
  if (!CODEC_NUMBERS.includes(as as CodecNumber)) return `${property}: as is one of ${CODEC_NUMBERS.join(', ')}`;
  if (!isWithin(at, 0, bytes - sizeOf(as as CodecNumber))) return `${property}: ${as} at ${at} does not lie within ${bytes} bytes`;
  if (![multiply, divide, add].every((number) => Number.isFinite(number)) || divide === 0)
    return `${property}: multiply, divide and add are numbers, divide is not 0`;
  return typeof unit === 'string' && unit.length > 0 && unit.length <= 32 ? undefined : `${property}: unit`;
}

function isWithin(value: unknown, min: number, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

function isHex(text: unknown): text is string {
  return typeof text === 'string' && /^(?:[0-9a-f]{2})*$/.test(text);
}

function isObject(json: unknown): json is { readonly [member: string]: unknown } {
  return json !== null && typeof json === 'object' && !Array.isArray(json);
}
function refuse(detail: string): CodecOutcome {
  return { ok: false, detail };
}
