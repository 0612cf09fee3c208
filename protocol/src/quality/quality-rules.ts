/** Which quality tests a dataset's values go through (docs/reference/quality.md): members of a definition, checked here. */
import { isPropertyName } from '../names.ts';

/** Above `suspect` a value is suspect (3), above `fail` it fails (4). One of them at least. */
export interface QualityThresholds {
  readonly suspect?: number;
  readonly fail?: number;
}

/** Tests of one property; thresholds in its unit. What is left out is not tested. */
export interface PropertyQuality {
  /** Gross range: outside this span a value is suspect; outside the property's min…max it fails. */
  readonly expected?: readonly [min: number, max: number];
  /** True: a value below zero fails. */
  readonly negative?: boolean;
  /** Distance from the mean of the values before and after. */
  readonly spike?: QualityThresholds;
  /** Change since the value before, per hour. */
  readonly ratePerHour?: QualityThresholds;
  /** Values that differ by less than `tolerance` for so long. */
  readonly flatLine?: { readonly tolerance: number; readonly suspectMs?: number; readonly failMs?: number };
  /** Above the value of this property in the same reading it is suspect: PM2.5 is a part of PM10. */
  readonly notAbove?: string;
  /** Distance from the median of the stations within so many km, of which there must be so many with a value of about the same time. */
  readonly neighbours?: QualityThresholds & { readonly withinKm: number; readonly least: number };
}

export interface QualityRules {
  /** A longer time without a value is a gap: the value after it is suspect, and is not compared with those before. Default three cadences. */
  readonly gapMs?: number;
  readonly properties: { readonly [property: string]: PropertyQuality };
}

/** The tests, in the order in which verdicts name them. `mark`: the producer's own mark, HJ 212. `manual`: a person's. */
export const QUALITY_TESTS = [
  'gross_range',
  'negative',
  'not_above',
  'mark',
  'gap',
  'rate',
  'flat_line',
  'neighbours',
  'spike',
  'manual',
] as const;
export type QualityTest = (typeof QUALITY_TESTS)[number];

/** Values a flat line may reach back at the dataset's cadence: a day of minutes. */
export const FLAT_LINE_VALUES_MAX = 1440;
/** Further than a city and its county. */
export const NEIGHBOURS_KM_MAX = 500;
/** The nearest so many are asked. */
export const NEIGHBOURS_MAX = 16;
const YEAR_MS = 366 * 86_400_000;
/** Gaps counted in cadences when a definition does not say. */
const GAP_CADENCES = 3;

/** @returns how long without a value is a gap, ms */
export function gapMsOf({ gapMs }: QualityRules, cadenceMs: number): number {
  return gapMs ?? GAP_CADENCES * cadenceMs;
}

type Members = { readonly [member: string]: unknown };

/**
 * @param properties names the dataset has
 * @returns what is wrong with the `quality` of a definition; undefined when nothing is
 */
export function qualityFault(value: unknown, properties: readonly string[], cadenceMs: number): string | undefined {
  if (!isObject(value)) return 'an object is wanted';
  const stranger = strangerIn(value, ['gapMs', 'properties']);
  if (stranger !== undefined) return stranger;
  const { gapMs, properties: tested } = value;
  if (gapMs !== undefined && !isWithin(gapMs, 1, YEAR_MS)) return `gapMs: from 1 to ${YEAR_MS}`;
  if (!isObject(tested)) return 'properties: an object is wanted';
  for (const [name, rules] of Object.entries(tested)) {
    if (!properties.includes(name)) return `properties: ${name.slice(0, 64)}: the dataset has no such property`;
    const fault = propertyFault(rules, properties, cadenceMs);
    if (fault !== undefined) return `properties: ${name}: ${fault}`;
  }
  return undefined;
}

function propertyFault(rules: unknown, properties: readonly string[], cadenceMs: number): string | undefined {
  if (!isObject(rules)) return 'an object is wanted';
  const faults: { readonly [member: string]: (value: unknown) => string | undefined } = {
    expected: spanFault,
    negative: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
    spike: thresholdsFault,
    ratePerHour: thresholdsFault,
    flatLine: (value) => flatLineFault(value, cadenceMs),
    notAbove: (value) =>
      typeof value === 'string' && isPropertyName(value) && properties.includes(value) ? undefined : 'the name of another property',
    neighbours: neighboursFault,
  };
  const stranger = strangerIn(rules, Object.keys(faults));
  if (stranger !== undefined) return stranger;
  for (const [member, value] of Object.entries(rules)) {
    const fault = faults[member]?.(value);
    if (fault !== undefined) return `${member}: ${fault}`;
  }
  return undefined;
}

function spanFault(value: unknown): string | undefined {
  const [min, max, ...more] = Array.isArray(value) ? (value as unknown[]) : [];
  const isSpan = Number.isFinite(min) && Number.isFinite(max) && (min as number) <= (max as number) && more.length === 0;
  return isSpan ? undefined : 'two numbers, the smaller first';
}

function thresholdsFault(value: unknown): string | undefined {
  return isObject(value) ? (strangerIn(value, ['suspect', 'fail']) ?? thresholdFault(value)) : 'suspect and fail are wanted';
}

function thresholdFault({ suspect, fail }: Members): string | undefined {
  if (suspect === undefined && fail === undefined) return 'suspect or fail is wanted';
  const isThreshold = (one: unknown): boolean => one === undefined || isWithin(one, 0, Number.MAX_VALUE);
  if (!isThreshold(suspect) || !isThreshold(fail)) return 'suspect and fail are numbers, not below 0';
  return Number(suspect ?? 0) <= Number(fail ?? Infinity) ? undefined : 'suspect is the smaller one';
}

function flatLineFault(value: unknown, cadenceMs: number): string | undefined {
  if (!isObject(value)) return 'tolerance and suspectMs or failMs are wanted';
  const { tolerance, suspectMs, failMs } = value;
  const stranger = strangerIn(value, ['tolerance', 'suspectMs', 'failMs']);
  if (stranger !== undefined) return stranger;
  if (typeof tolerance !== 'number' || !(tolerance > 0 && tolerance < Infinity)) return 'tolerance: a number above 0';
  const fault = thresholdFault({ suspect: suspectMs, fail: failMs });
  if (fault !== undefined) return fault.replaceAll('suspect', 'suspectMs').replaceAll('fail', 'failMs');
  const times = [suspectMs, failMs].filter((ms) => ms !== undefined).map(Number);
  if (times.some((ms) => ms < cadenceMs || Math.floor(ms / cadenceMs) > FLAT_LINE_VALUES_MAX))
    return `suspectMs and failMs are from one cadence to ${FLAT_LINE_VALUES_MAX}`;
  return undefined;
}

function neighboursFault(value: unknown): string | undefined {
  if (!isObject(value)) return 'withinKm, least and suspect or fail are wanted';
  const stranger = strangerIn(value, ['withinKm', 'least', 'suspect', 'fail']);
  if (stranger !== undefined) return stranger;
  if (!isWithin(value['withinKm'], Number.MIN_VALUE, NEIGHBOURS_KM_MAX)) return `withinKm: above 0, at most ${NEIGHBOURS_KM_MAX}`;
  const { least } = value;
  if (!Number.isSafeInteger(least) || !isWithin(least, 1, NEIGHBOURS_MAX)) return `least: a whole number from 1 to ${NEIGHBOURS_MAX}`;
  return thresholdFault(value);
}

function strangerIn(value: Members, known: readonly string[]): string | undefined {
  const stranger = Object.keys(value).find((member) => !known.includes(member));
  return stranger === undefined ? undefined : `${stranger.slice(0, 64)}: there is no such member`;
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max;
}

function isObject(json: unknown): json is Members {
  return json !== null && typeof json === 'object' && !Array.isArray(json);
}
