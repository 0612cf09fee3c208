/** What of the journal an alert of a rule follows from: whose readings, from when on, which other alerts, which ticks. */
import type { DeviceRecord } from '@airtight/protocol';
import { type AlertSource, type Contract, type GridRule, MAX_GAP_CADENCES, type Rule } from '../contract.ts';
import { inputsOf } from '../engine-state.ts';
import { instantFrom } from '../rule/grid-rule.ts';
import { keptMs } from '../rule/kept-history.ts';
import { distanceKm, isOf, type Place, type Places, placeOf, regionOf, subjectOf } from '../rule/places.ts';

/** Newest intervals by which a device's own rhythm is known, and one more. */
const RHYTHM_READINGS = 10;

export interface RuleNeeds {
  readonly kind: Rule['kind'];
  readonly datasets: readonly string[];
  /** Whose readings it sees about the subject; null: those of all producers. */
  readonly producers: readonly string[] | null;
  /** Readings so long before the alert's beginning, ms: before that its state does not depend on them any more. */
  readonly reachMs: number;
  /** Of a rule over stations: the first time at or after one at which it is judged, and how much later that is done. */
  readonly grid: { readonly from: (at: number) => number; readonly settleMs: number } | null;
  /** It judges the alerts of these. */
  readonly alerts: readonly AlertSource[];
  readonly latenessMs: number;
}

/** Where devices stand, as the engine knows it. */
export function placesOf(devices: Iterable<DeviceRecord>): Places {
  const places = new Map<string, Place>();
  for (const device of devices) places.set(device.producer, placeOf(device, undefined, null));
  return places;
}

/** @returns undefined when the contract has no such rule */
export function ruleNeeds({ rules, zone }: Contract, id: string, subject: string, places: Places): RuleNeeds | undefined {
  const rule = rules.find((candidate) => candidate.id === id);
  if (rule === undefined) return undefined;
  return {
    kind: rule.kind,
    datasets: [...new Set(inputsOf(rule).map(({ dataset }) => dataset))],
    producers: producersOf(rule, subject, places),
    reachMs: reachMs(rule),
    grid: rule.kind === 'grid' ? { from: (at) => instantFrom(rule, zone, at), settleMs: rule.settleMs } : null,
    alerts: rule.kind === 'alerts' ? rule.frame.alerts.map(({ source }) => source) : [],
    latenessMs: rule.latenessMs,
  };
}

function producersOf(rule: Rule, subject: string, places: Places): readonly string[] | null {
  if (rule.kind === 'alerts') return [];
  if (rule.kind !== 'grid') return [subject];
  if (rule.subject === 'all') return null;
  return [...places].flatMap(([producer, { agency }]) => (isSeen(rule, subject, producer, agency, places) ? [producer] : []));
}

function isSeen(rule: GridRule, subject: string, producer: string, agency: string, places: Places): boolean {
  if (!inputsOf(rule).some((input) => isOf(input, producer, agency, places))) return false;
  if (subjectOf(rule.subject, producer, agency, places) === subject) return true;
  return rule.frame.windows.some(({ window: { across, km } }) => {
    if (across === 'region') return regionOf(producer, places) !== undefined && regionOf(producer, places) === regionOf(subject, places);
    const distance = across === 'neighbours' ? distanceKm(places.get(producer), places.get(subject)) : undefined;
    return distance !== undefined && distance <= km;
  });
}

/** Windows, then what its conditions look back, then what may come late. */
function reachMs(rule: Rule): number {
  const { input } = rule;
  if (rule.kind === 'no-data')
    return (
      rule.latenessMs + (rule.afterMs ?? (rule.afterCadences ?? 0) * input.cadenceMs) + RHYTHM_READINGS * MAX_GAP_CADENCES * input.cadenceMs
    );
  const windows = rule.frame.windows.map(({ window: { overMs, shape } }) => (shape === 'tumbling' ? 2 * overMs : overMs));
  const held = rule.levels
    .flatMap(({ raise, clear }) => [raise, clear])
    .map(({ forMs, times }) => times?.withinMs ?? (times?.ofLast ?? 0) * input.cadenceMs + forMs);
  return (
    Math.max(0, ...windows) + Math.max(0, ...held) + rule.maxGapMs + (rule.flap?.withinMs ?? 0) + Math.min(keptMs(rule), rule.latenessMs)
  );
}
