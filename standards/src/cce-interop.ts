/**
 * Fridge data as suppliers deliver it: UNICEF/WHO cold chain equipment interoperability (cce-interop) 0.8.1, whose data
 * objects are those of WHO/PQS/E006/DS01. A transmission holds reports, a report is about one appliance and holds records,
 * a record is one point in time. `rtm`: remote temperature monitors; `ems`: fridges with a built-in monitoring system.
 */

/** What a data object may hold. */
interface DataObject {
  readonly type: 'string' | 'number' | 'boolean';
  readonly isNullable: boolean;
  readonly min?: number;
  readonly max?: number;
}

const text: DataObject = { type: 'string', isNullable: true };
const requiredText: DataObject = { type: 'string', isNullable: false };
const within = (min: number, max?: number): DataObject => ({
  ...{ type: 'number', isNullable: true, min },
  ...(max === undefined ? {} : { max }),
});
/** A record is a period of 15 min: durations in it are at most 900 s. */
const seconds = within(0, 900);
const celsius = within(-55, 150);

/** Annex "data objects": of a record. Other members are allowed and say nothing here. */
const RECORD_OBJECTS: { readonly [code: string]: DataObject } = {
  ABST: requiredText,
  ...{ ALRM: text, EERR: text, LERR: text, EDOP: text, EMSV: text, LSV: text, CSOF: text, CSOF2: text },
  MSW: { type: 'boolean', isNullable: true },
  ...{ TVC: within(-55, 60), TFRZ: within(-99.9, 60), TAMB: { ...within(-55, 60), isNullable: false } },
  ...{ TCON: celsius, TCON2: celsius, TPCB: celsius, TPCB2: celsius },
  ...{ HAMB: within(0, 100), HCOM: within(0, 100), FANS: within(0, 100) },
  ...{ DORV: seconds, DORF: seconds, DRCV: seconds, DRCF: seconds, IDRV: within(0), IDRF: within(0) },
  ...{ SVA: seconds, ACSV: within(0, 600), ACCD: within(0, 50), DCSV: within(0, 999.9), DCCD: within(0, 99.9) },
  ...{ CMPR: seconds, CMPR2: seconds, CMPS: within(0, 20_000), CMPS2: within(0, 20_000) },
  ...{ BEMD: within(0, 9999.9), BLOG: { ...within(0, 9999), isNullable: false }, HOLD: within(0, 999.9) },
  ...{ LAT: within(-90, 90), LNG: within(-180, 180), LACC: within(0, 999.9) },
};

/** Of a report. */
const REPORT_OBJECTS: { readonly [code: string]: DataObject } = {
  ...Object.fromEntries(
    'ACAT ADOP AID AMFR AMOD APQS ASER CDAT CDAT2 CID CNAM CNAM2 CSER CSER2 CSOF CSOF2 DNAM EDOP EID EMFR EMOD EMSV EPQS ESER FID FNAM LID LSV RNAM SIGN'
      .split(' ')
      .map((code) => [code, text]),
  ),
  ...{ LDOP: requiredText, LMFR: requiredText, LMOD: requiredText, LPQS: requiredText, LSER: requiredText },
  ...{ LAT: within(-90, 90), LNG: within(-180, 180), LACC: within(0, 999.9) },
};

type TransferType = 'rtm' | 'ems';
const REPORT_REQUIRED: { readonly [type in TransferType]: readonly string[] } = {
  rtm: ['AMID', 'CID', 'DLST', 'EDOP', 'EMFR', 'EMOD', 'EPQS', 'ESER', 'records'],
  ems: 'CID ADOP AMFR AMOD APQS ASER LDOP LMFR LMOD LPQS LSER EDOP EMFR EMOD EPQS ESER records'.split(' '),
};
const RECORD_REQUIRED: { readonly [type in TransferType]: readonly string[] } = {
  rtm: ['ABST', 'ALRM', 'BEMD', 'EERR'],
  ems: ['ABST', 'ALRM', 'BEMD', 'BLOG', 'CMPR', 'DORV', 'EERR', 'LERR', 'TAMB'],
};
/** What a remote monitor's sensor may measure (DLST). */
const SENSED: readonly string[] = ['TVC', 'TFRZ', 'TAMB', 'IDRV'];
const META_REQUIRED = ['schemaVersion', 'transferType', 'transferId', 'transferSrc', 'transferredAt'] as const;

const TRANSFERRED_AT = /^2[0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]+)?Z$/;
/** ABST: basic format of ISO 8601, UTC. */
const ABST = /^2[0-9]{7}T[0-2][0-9]{5}(\.[0-9]+)?Z$/;

type Members = { readonly [member: string]: unknown };

export interface CceReport extends Members {
  readonly records: readonly Members[];
}
export interface CceTransmission {
  readonly meta: { readonly transferType: TransferType; readonly transferId: string; readonly transferSrc: string };
  readonly data: readonly CceReport[];
}
export interface CceFault {
  /** JSON Pointer (RFC 6901) of what is wrong. */
  readonly at: string;
  readonly detail: string;
}

/** Does this parsed JSON say that it is a transmission? Whether it is a right one, `cceFault` tells. */
export function isCceTransmission(json: unknown): boolean {
  return isObject(json) && isObject(json['meta']) && Object.hasOwn(json['meta'], 'transferType') && Object.hasOwn(json, 'data');
}

/** @returns the first fault of a transmission by the rules of cce-interop 0.8.1, undefined when there is none: it is a CceTransmission then */
export function cceFault(json: unknown): CceFault | undefined {
  if (!isObject(json)) return { at: '', detail: 'an object is wanted' };
  const missing = missingOf(json, ['meta', 'data'], '');
  if (missing !== undefined) return missing;
  const fault = metaFault(json['meta']);
  if (fault !== undefined) return fault;
  const data = json['data'];
  if (!Array.isArray(data) || data.length === 0) return { at: '/data', detail: 'at least one report' };
  const type = (json['meta'] as { transferType: TransferType }).transferType;
  return firstFault(data, (report, index) => reportFault(report, type, `/data/${index}`));
}

function metaFault(meta: unknown): CceFault | undefined {
  if (!isObject(meta)) return { at: '/meta', detail: 'an object is wanted' };
  const missing = missingOf(meta, META_REQUIRED, '/meta');
  if (missing !== undefined) return missing;
  const wrong = META_REQUIRED.find((name) => typeof meta[name] !== 'string');
  if (wrong !== undefined) return { at: `/meta/${wrong}`, detail: 'a string is wanted' };
  if (meta['transferType'] !== 'rtm' && meta['transferType'] !== 'ems') return { at: '/meta/transferType', detail: 'rtm or ems' };
  return TRANSFERRED_AT.test(meta['transferredAt'] as string) ? undefined : { at: '/meta/transferredAt', detail: 'RFC 3339, UTC with Z' };
}

function reportFault(report: unknown, type: TransferType, at: string): CceFault | undefined {
  if (!isObject(report)) return { at, detail: 'an object is wanted' };
  const fault = missingOf(report, REPORT_REQUIRED[type], at) ?? objectsFault(report, REPORT_OBJECTS, at);
  if (fault !== undefined) return fault;
  const records = report['records'];
  if (!Array.isArray(records) || records.length === 0) return { at: `${at}/records`, detail: 'at least one record' };
  if (type === 'rtm') {
    if (typeof report['AMID'] !== 'string') return { at: `${at}/AMID`, detail: 'a string is wanted' };
    const sensors = sensorsFault(report['DLST'], `${at}/DLST`);
    if (sensors !== undefined) return sensors;
  }
  return (
    firstFault(records, (record, index) => recordFault(record, type, `${at}/records/${index}`)) ??
    (type === 'ems' ? eitherFault(report, records, 'LSV', at) : undefined) ??
    eitherFault(report, records, 'EMSV', at)
  );
}

/** A software version stands in the report or in each of its records, and not in both. */
function eitherFault(report: Members, records: readonly Members[], code: string, at: string): CceFault | undefined {
  const inReport = Object.hasOwn(report, code);
  const inRecords = records.every((record) => Object.hasOwn(record, code));
  return inReport === inRecords ? { at, detail: `${code} stands either in the report or in every record` } : undefined;
}

function sensorsFault(sensors: unknown, at: string): CceFault | undefined {
  if (!isObject(sensors)) return { at, detail: 'an object is wanted' };
  const stranger = Object.keys(sensors).find((code) => !SENSED.includes(code));
  if (stranger !== undefined) return { at, detail: `${JSON.stringify(stranger.slice(0, 32))} is none of ${SENSED.join(', ')}` };
  return missingOf(sensors, ['TVC'], at) ?? firstFault(Object.entries(sensors), ([code, sensor]) => sensorFault(sensor, `${at}/${code}`));
}

function sensorFault(sensor: unknown, at: string): CceFault | undefined {
  if (!isObject(sensor)) return { at, detail: 'an object is wanted' };
  const missing = missingOf(sensor, ['SID', 'SMFR', 'SMOD'], at);
  if (missing !== undefined) return missing;
  const wrong = Object.keys(sensor).find((name) => !['SID', 'SMFR', 'SMOD', 'SDOP'].includes(name) || typeof sensor[name] !== 'string');
  return wrong === undefined ? undefined : { at, detail: `${JSON.stringify(wrong.slice(0, 32))} is not allowed, or no string` };
}

function recordFault(record: unknown, type: TransferType, at: string): CceFault | undefined {
  if (!isObject(record)) return { at, detail: 'an object is wanted' };
  const fault = missingOf(record, RECORD_REQUIRED[type], at) ?? objectsFault(record, RECORD_OBJECTS, at);
  if (fault !== undefined) return fault;
  if (!ABST.test(record['ABST'] as string)) return { at: `${at}/ABST`, detail: 'basic ISO 8601, UTC: 20200115T040554Z' };
  const has = (code: string): boolean => Object.hasOwn(record, code);
  if (type === 'rtm') return has('TVC') || has('TFRZ') || has('TAMB') ? undefined : { at, detail: 'one of TVC, TFRZ, TAMB' };
  if (has('SVA') === (has('DCSV') && has('DCCD'))) return { at, detail: 'either SVA (mains) or DCSV and DCCD (solar)' };
  if (typeof record['TVC'] === 'number') return undefined;
  const isExplained = record['TVC'] === null && typeof record['LERR'] === 'string' && record['LERR'] !== '';
  return isExplained ? undefined : { at: `${at}/TVC`, detail: 'a number; null only when LERR says why' };
}

function objectsFault(members: Members, objects: { readonly [code: string]: DataObject }, at: string): CceFault | undefined {
  for (const [code, { type, isNullable, min = -Infinity, max = Infinity }] of Object.entries(objects)) {
    if (!Object.hasOwn(members, code)) continue;
    const value = members[code];
    if (value === null && isNullable) continue;
    if (typeof value !== type) return { at: `${at}/${code}`, detail: `a ${type} is wanted` };
    if (typeof value === 'number' && (value < min || value > max)) return { at: `${at}/${code}`, detail: `${min} to ${max}, got ${value}` };
  }
  return undefined;
}

function missingOf(members: Members, required: readonly string[], at: string): CceFault | undefined {
  const missing = required.find((code) => !Object.hasOwn(members, code));
  return missing === undefined ? undefined : { at, detail: `${missing} is missing` };
}

function firstFault<T>(items: readonly T[], faultOf: (item: T, index: number) => CceFault | undefined): CceFault | undefined {
  for (const [index, item] of items.entries()) {
    const fault = faultOf(item, index);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function isObject(json: unknown): json is Members {
  return json !== null && typeof json === 'object' && !Array.isArray(json);
}

/** Which appliance a report is about: the supplier's id of it (AMID), else its manufacturer, model and serial number. */
export function applianceOf(report: CceReport): string {
  const { AMID: amid, AMFR: amfr, AMOD: amod, ASER: aser } = report as { AMID?: unknown; AMFR?: unknown; AMOD?: unknown; ASER?: unknown };
  return JSON.stringify(typeof amid === 'string' ? [amid] : [amfr ?? null, amod ?? null, aser ?? null]);
}

/** ABST as epoch ms; NaN for a text that is no time of the calendar. Fractions beyond milliseconds are cut off. */
export function parseAbst(abst: string): number {
  const [date, time, fraction = ''] = abst.slice(0, -1).split(/[T.]/) as [string, string, string?];
  const pairs = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6, 8)}T${time.slice(0, 2)}:${time.slice(2, 4)}:${time.slice(4, 6)}`;
  const ms = Date.parse(`${pairs}Z`);
  // Date.parse takes the 31st of any month; a day that does not come back is none.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(pairs)) return Number.NaN;
  return ms + Number(fraction.slice(0, 3).padEnd(3, '0'));
}

/** Alarm conditions of DS01 that a record's ALRM may name, in this order. */
export const CCE_ALARMS = ['HEAT', 'FRZE', 'DOOR', 'POWR'] as const;

/** The codes in an ALRM text: separated by blanks; null and empty are none. */
export function alarmCodes(alrm: unknown): ReadonlySet<string> {
  return new Set(typeof alrm === 'string' ? alrm.split(/\s+/).filter((code) => code !== '') : []);
}

/** Codes whose value says something about the moment, in the order of the standard; not the identity and place of the device. */
export const CCE_MEASURED: readonly string[] = Object.keys(RECORD_OBJECTS).filter(
  (code) => !['ABST', 'EDOP', 'EMSV', 'LSV', 'CSOF', 'CSOF2'].includes(code),
);
