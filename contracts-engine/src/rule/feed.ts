/**
 * One producer in one dataset: its readings, and which rules they concern, by property. The route is found once and
 * again when contracts, datasets or places change, so a reading meets no rule that does not read it.
 */
import type { Contract, SeriesRule } from '../contract.ts';
import { type EngineState, inputsOf, type RuleState, ruleKey } from '../engine-state.ts';
import { isOf } from './places.ts';
import { type Reading, SERIES_READINGS_MAX, Series } from './series.ts';
import { Tracker } from './tracker.ts';
import { contextOf, type WindowContext } from './window-context.ts';

export class Feed {
  readonly dataset: string;
  readonly producer: string;
  agency: string;
  readonly series: Series;
  /** When there are so many readings, those nobody needs are forgotten. */
  pruneAt: number;
  /** Readings as counted in the room for all; -1: not yet. */
  counted = -1;
  #route: Route | null = null;
  #epoch = -1;

  constructor(dataset: string, producer: string, agency: string, series: Series = new Series(), pruneAt: number = PRUNE_FIRST) {
    this.dataset = dataset;
    this.producer = producer;
    this.agency = agency;
    this.series = series;
    this.pruneAt = pruneAt;
  }

  route(state: EngineState, agency: string): Route {
    if (this.#route !== null && this.#epoch === state.index.epoch && this.agency === agency) return this.#route;
    this.agency = agency;
    this.#epoch = state.index.epoch;
    this.#route = routeOf(state, this);
    return this.#route;
  }

  /** Forgets readings that no rule can need any more. */
  prune(route: Route): void {
    const { series } = this;
    if (series.readings.length < this.pruneAt) return;
    let keepFrom = series.watermark - route.reachMs;
    for (const {
      rule,
      tracker,
      reads: { reachMs },
    } of route.bounds) {
      keepFrom = Math.min(keepFrom, tracker.neededFrom(rule, series.watermark - rule.latenessMs) - reachMs);
    }
    series.forgetBefore(keepFrom);
    series.forgetBeyond(SERIES_READINGS_MAX);
    this.pruneAt = Math.min(SERIES_READINGS_MAX * 1.25, Math.max(PRUNE_FIRST, series.readings.length * 2));
  }
}

const PRUNE_FIRST = 32;

/** A rule that judges one producer's readings, with its tracker. */
export interface Bound {
  readonly state: RuleState;
  readonly rule: SeriesRule;
  readonly tracker: Tracker;
  readonly context: WindowContext;
  readonly reads: RuleReads;
  /** Of a rule that is listed under several properties, the last reading that was offered: it is judged once. */
  offered: Reading | null;
}

export interface Route {
  readonly bounds: readonly Bound[];
  /** By property: rules to run when a reading with it comes in order. */
  readonly byProperty: ReadonlyMap<string, readonly Bound[]>;
  /** By property: rules that read it at all. */
  readonly touching: ReadonlyMap<string, readonly Bound[]>;
  /** Rules whose alerts expire and suppress others. */
  readonly explaining: readonly Bound[];
  readonly overStations: readonly RuleState[];
  readonly silences: readonly RuleState[];
  /** The longest that any of the rules looks back from the newest reading. */
  readonly reachMs: number;
  /** A reading later than this changes nothing for any of them. */
  readonly latenessMs: number;
}

function routeOf(state: EngineState, feed: Feed): Route {
  const { dataset, producer, agency } = feed;
  const takes = (input: Contract['inputs'][number]): boolean => input.dataset === dataset && isOf(input, producer, agency, state.places);
  const bounds: Bound[] = [];
  const [overStations, silences]: [RuleState[], RuleState[]] = [[], []];
  for (const known of state.index.rules) {
    const { rule } = known;
    if (rule.kind === 'grid' && inputsOf(rule).some(takes)) overStations.push(known);
    if (rule.kind === 'no-data' && takes(rule.input)) silences.push(known);
    if (rule.kind === 'series' && takes(rule.input)) bounds.push(bind(state, known, rule, producer, agency));
  }
  const [byProperty, touching] = [new Map<string, Bound[]>(), new Map<string, Bound[]>()];
  for (const bound of bounds) {
    for (const name of bound.reads.offeredBy) add(byProperty, name, bound);
    for (const name of bound.reads.touchedBy) add(touching, name, bound);
  }
  return {
    ...{ bounds, byProperty, touching, overStations, silences },
    explaining: bounds.filter(({ rule }) => rule.expiresMs !== null && isInhibiting(state, rule)),
    reachMs: Math.max(0, ...bounds.map(({ rule, reads: { reachMs } }) => rule.latenessMs + reachMs)),
    latenessMs: Math.max(0, ...bounds.map(({ rule }) => rule.latenessMs)),
  };
}

function isInhibiting({ index }: EngineState, { contract, id }: SeriesRule): boolean {
  return index.inhibited.has(ruleKey({ contract, rule: id }));
}

function bind(state: EngineState, known: RuleState, rule: SeriesRule, producer: string, agency: string): Bound {
  const tracker = known.trackers.get(producer) ?? new Tracker(producer, agency);
  known.trackers.set(producer, tracker);
  tracker.agency = agency;
  return { state: known, rule, tracker, context: contextOf(state, known), reads: readsOf(rule), offered: null };
}

/** What a rule reads of a producer's readings. */
interface RuleReads {
  /** A reading with any of these is judged: the first that the rule names, for all must be there, else what its windows read. */
  readonly offeredBy: readonly string[];
  readonly touchedBy: readonly string[];
  /** How far back it reads from a reading. */
  readonly reachMs: number;
  /** Where the only value it reads stands in its frame; -1 when it reads more, or other things, or must ask whether it is tested. */
  readonly loneSlot: number;
}

const reads = new WeakMap<SeriesRule, RuleReads>();

/** Found once a rule: a network has thousands of producers. */
function readsOf(rule: SeriesRule): RuleReads {
  const known = reads.get(rule);
  if (known !== undefined) return known;
  const { properties, windows, isPlain } = rule.frame;
  const [first, ...others] = properties;
  const inWindows = [...new Set(windows.flatMap(({ window }) => propertiesOf(window, rule)))];
  // A window of whole spans may end as long ago as it is long.
  const reaches = windows.map(({ window: { overMs, shape } }) => (shape === 'tumbling' ? 2 * overMs : overMs));
  const found = {
    offeredBy: first === undefined ? inWindows : [first.name],
    touchedBy: [...new Set([...properties.map(({ name }) => name), ...inWindows])],
    reachMs: Math.max(0, ...reaches),
    loneSlot: first === undefined || others.length > 0 || !isPlain || rule.input.untested.has(first.name) ? -1 : first.slot,
  };
  reads.set(rule, found);
  return found;
}

function propertiesOf({ property, where }: SeriesRule['frame']['windows'][number]['window'], rule: SeriesRule): readonly string[] {
  if (where !== null) return where.expression.variables.map(({ name }) => name);
  return property === null ? [...rule.input.properties.keys()] : [property];
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}
