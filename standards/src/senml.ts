/** SenML (RFC 8428), the JSON form (§5): a pack of records with base fields is resolved (§4.6) into records that stand alone. */

/** The labels of RFC 8428 §5 table 1 by which a record is recognised; `u`, `t` and `ut` alone would say too little. */
const TELLING_LABELS = ['bn', 'bt', 'bu', 'bv', 'bs', 'bver', 'n', 'v', 'vs', 'vb', 'vd', 's'] as const;
const LABELS: ReadonlySet<string> = new Set([...TELLING_LABELS, 'u', 't', 'ut']);

/** §4.5.3: a resolved time below this many seconds (8.5 years) is relative to now. */
export const SENML_RELATIVE_BELOW_S = 2 ** 28;
/** §4.4: the version of RFC 8428, and the one meant when `bver` is absent. */
export const SENML_VERSION = 10;
/** RFC 9100: version 10 with feature bit 2^4, the secondary units of RFC 8798. */
export const SENML_VERSION_SECONDARY_UNITS = SENML_VERSION + 2 ** 4;
/** More than a device gathers between two messages; the RFC sets no limit, a service needs one. */
export const SENML_RECORDS_MAX = 10_000;
/** Base name and name together. A bound of ours: a long base name times many records would be a bomb. */
export const SENML_NAME_MAX_LENGTH = 256;
/** The longest registered unit has 10 characters. */
export const SENML_UNIT_MAX_LENGTH = 32;

/** §4.5.1: the characters of a resolved name, and of its first one. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/;
/** RFC 4648 §5 without padding, as §5 asks for `vd`; one character alone in the last group is no byte. */
const BASE64URL = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?$/;

/** A record that needs no other (§4.6): no base fields, absolute time. */
export interface SenmlRecord {
  readonly n: string;
  readonly u?: string;
  /** Unix seconds. */
  readonly t: number;
  readonly v?: number;
  readonly vs?: string;
  readonly vb?: boolean;
  /** base64url without padding, as it was sent. */
  readonly vd?: string;
  readonly s?: number;
  /** Seconds until the next record of this name at the latest (§4.2). */
  readonly ut?: number;
}

export interface SenmlPack {
  readonly version: number;
  /** In the order of the pack. §4.6 asks for chronological order: sort by `t` where that matters. */
  readonly records: readonly SenmlRecord[];
  /** For each record: was its time relative to now? */
  readonly relative: readonly boolean[];
}

export type SenmlRefusalReason = 'pack' | 'type' | 'number' | 'label' | 'version' | 'name' | 'unit' | 'value';

export interface SenmlRefusal {
  readonly ok: false;
  /**
   * - `pack`: no array of 1 to SENML_RECORDS_MAX objects
   * - `type`: a label with a value of the wrong JSON type
   * - `number`: a number, or the sum of a base and its field, too large for a double
   * - `label`: an unknown label ending in `_`, which must be understood (§4.4)
   * - `version`: a version that is not known, or two versions in one pack
   * - `name`: the resolved name is empty, too long or has other characters (§4.5.1)
   * - `unit`: a unit that is empty or too long
   * - `value`: not exactly one of v, vs, vb, vd; none is needed beside `s` (§4.2)
   */
  readonly reason: SenmlRefusalReason;
  readonly detail: string;
}

type Labels = { readonly [label: string]: unknown };

/** What base fields are in force (§4.1): those of this record and, until replaced, of all before it. */
interface Base {
  n: string;
  t: number;
  u: string | undefined;
  v: number;
  s: number | undefined;
}

/** Is this parsed JSON an array whose first element carries labels of SenML? */
export function isSenmlPack(json: unknown): json is readonly unknown[] {
  if (!Array.isArray(json)) return false;
  const [first] = json;
  return isObject(first) && TELLING_LABELS.some((label) => Object.hasOwn(first, label));
}

/**
 * Resolves a pack (§4.6). Fields are added as doubles: bt + t, bv + v, bs + s; a missing one counts as 0, and a
 * record without `s` has a sum only while a base sum is in force (§4.5.4). Unknown labels are ignored (§4.4).
 * @param json the parsed pack
 * @param nowS Unix seconds to which relative times refer (§4.5.3: bt + t < 2^28, decided on the sum); must be finite
 */
export function resolveSenml(json: unknown, nowS: number): ({ readonly ok: true } & SenmlPack) | SenmlRefusal {
  if (!Array.isArray(json) || json.length === 0 || json.length > SENML_RECORDS_MAX) {
    return refuse('pack', `an array of 1 to ${SENML_RECORDS_MAX} records`);
  }
  const base: Base = { n: '', t: 0, u: undefined, v: 0, s: undefined };
  const records: SenmlRecord[] = [];
  const relative: boolean[] = [];
  let version = SENML_VERSION;
  for (const [index, source] of json.entries()) {
    if (!isObject(source)) return refuse('pack', `record ${index} is no object`);
    const fault = faultOf(source);
    if (fault !== null) return at(index, fault);
    if (index === 0) version = (source['bver'] as number | undefined) ?? SENML_VERSION;
    else if ((source['bver'] ?? version) !== version) return at(index, refuse('version', `"bver" differs from ${version}`));
    replace(base, source);
    const time = base.t + ((source['t'] as number | undefined) ?? 0);
    const isRelative = time < SENML_RELATIVE_BELOW_S;
    const record = resolve(base, source, isRelative ? nowS + time : time);
    if ('ok' in record) return at(index, record);
    records.push(record);
    relative.push(isRelative);
  }
  return { ok: true, version, records, relative };
}

/** Labels and their types, one record by itself. */
function faultOf(source: Labels): SenmlRefusal | null {
  for (const label of Object.keys(source)) {
    if (!LABELS.has(label) && label.endsWith('_')) return refuse('label', `${label.slice(0, 64)} must be understood and is not`);
  }
  for (const label of ['bt', 'bv', 'bs', 't', 'v', 's', 'ut']) {
    const value = source[label];
    if (value === undefined) continue;
    if (typeof value !== 'number') return refuse('type', `"${label}" is a number`);
    if (!Number.isFinite(value)) return refuse('number', `"${label}"`);
  }
  for (const label of ['bn', 'bu', 'n', 'u', 'vs', 'vd']) {
    if (source[label] !== undefined && typeof source[label] !== 'string') return refuse('type', `"${label}" is a string`);
  }
  if (source['vb'] !== undefined && typeof source['vb'] !== 'boolean') return refuse('type', '"vb" is true or false');
  const values = ['v', 'vs', 'vb', 'vd'].filter((label) => source[label] !== undefined).length;
  if (values > 1 || (values === 0 && source['s'] === undefined)) return refuse('value', `${values} of v, vs, vb, vd`);
  if (source['vd'] !== undefined && !BASE64URL.test(source['vd'] as string)) return refuse('value', '"vd" is base64url without padding');
  return source['bver'] === undefined || isKnownVersion(source['bver'])
    ? null
    : refuse('version', `"bver" ${JSON.stringify(source['bver'])?.slice(0, 32)}`);
}

/** §4.4: a positive number; one above ours may mean anything. Only one feature bit (RFC 9100) is known. */
function isKnownVersion(version: unknown): boolean {
  if (!Number.isSafeInteger(version)) return false;
  return ((version as number) >= 1 && (version as number) <= SENML_VERSION) || version === SENML_VERSION_SECONDARY_UNITS;
}

/** Puts the base fields of a checked record in force. */
function replace(base: Base, { bn, bt, bu, bv, bs }: { bn?: unknown; bt?: unknown; bu?: unknown; bv?: unknown; bs?: unknown }): void {
  if (bn !== undefined) base.n = bn as string;
  if (bt !== undefined) base.t = bt as number;
  if (bu !== undefined) base.u = bu as string;
  if (bv !== undefined) base.v = bv as number;
  if (bs !== undefined) base.s = bs as number;
}

function resolve(base: Base, source: Labels, t: number): SenmlRecord | SenmlRefusal {
  const { n = '', u = base.u, v, vs, vb, vd, s, ut } = source as Partial<SenmlRecord>;
  if (base.n.length + n.length > SENML_NAME_MAX_LENGTH) return refuse('name', `longer than ${SENML_NAME_MAX_LENGTH} characters`);
  const name = base.n + n;
  if (!NAME.test(name)) return refuse('name', JSON.stringify(name));
  if (u !== undefined && (u.length === 0 || u.length > SENML_UNIT_MAX_LENGTH)) {
    return refuse('unit', `a unit has 1 to ${SENML_UNIT_MAX_LENGTH} characters`);
  }
  const sum = s === undefined && base.s === undefined ? undefined : (base.s ?? 0) + (s ?? 0);
  const value = v === undefined ? undefined : base.v + v;
  for (const number of [t, value ?? 0, sum ?? 0]) if (!Number.isFinite(number)) return refuse('number', 'base and field together');
  return {
    n: name,
    ...(u === undefined ? {} : { u }),
    t,
    ...(value === undefined ? {} : { v: value }),
    ...(vs === undefined ? {} : { vs }),
    ...(vb === undefined ? {} : { vb }),
    ...(vd === undefined ? {} : { vd }),
    ...(sum === undefined ? {} : { s: sum }),
    ...(ut === undefined ? {} : { ut }),
  };
}

function isObject(json: unknown): json is Labels {
  return json !== null && typeof json === 'object' && !Array.isArray(json);
}

function refuse(reason: SenmlRefusalReason, detail: string): SenmlRefusal {
  return { ok: false, reason, detail };
}

function at(index: number, refusal: SenmlRefusal): SenmlRefusal {
  return refuse(refusal.reason, `record ${index}: ${refusal.detail}`);
}
