/** Everything the engine remembers between two events. */
import type { AlertEffect, ContractRecord, DatasetDefinition } from '@airtight/protocol';
import { ActiveAlerts } from './alert/active-alerts.ts';
import type { Episode } from './alert/episode.ts';
import type { GroupAlert } from './alert/group.ts';
import type { OutOfServiceEntry } from './alert/suppression.ts';
import type { Contract, Rule } from './contract.ts';
import { parseContract } from './parse-contract.ts';
import { type PersonsWords, type ValueTests, valueTestsOf } from './quality/value-verdict.ts';
import type { Feed } from './rule/feed.ts';
import { GridField } from './rule/grid-field.ts';
import type { Place } from './rule/places.ts';
import type { Values } from './rule/probe.ts';
import { READINGS_MAX, type Room } from './rule/room.ts';
import type { Quiet, Silence } from './rule/silence.ts';
import type { Tracker } from './rule/tracker.ts';

/** One rule and what is known under it. */
export interface RuleState {
  rule: Rule;
  /** Position of the contract record: what came before it is not judged by this version, though its windows may see it. */
  readonly from: number;
  /** By subject. */
  readonly trackers: Map<string, Tracker>;
  readonly episodes: Map<string, Episode[]>;
  /** Of a rule over stations. */
  readonly field: GridField;
  /** Of a no-data rule, by producer. */
  readonly silences: Map<string, Silence>;
  /** Of a no-data rule. */
  readonly quiet: Quiet;
  /** By group name. */
  readonly groups: Map<string, GroupAlert>;
  /** Filled anew for every instant. */
  readonly values: Values;
}

export interface ContractState {
  readonly name: string;
  readonly version: string;
  readonly text: string;
  /** null: the dataset definitions known so far do not let it run. */
  contract: Contract | null;
  /** By rule id. */
  readonly rules: Map<string, RuleState>;
}

export interface EngineCounters {
  /** Readings later than a rule's lateness: they change nothing. */
  late: number;
  /** Instants for which an expression could not be computed. */
  uncomputable: number;
  /** Contract records that were not taken: faulty under these semantics, or of another version. */
  refused: number;
  /** Recorded alerts that differ from what the same journal makes this engine cause. */
  mismatches: number;
  /** Outcomes that late data or revised readings changed. */
  corrected: number;
  /** Readings forgotten for want of room that a window might still have read. */
  cut: number;
}

export interface EngineState {
  readonly datasets: Map<string, DatasetDefinition>;
  readonly places: Map<string, Place>;
  readonly contracts: Map<string, ContractState>;
  /** Versions that come into force at a later tick, in order of position. */
  scheduled: readonly ContractRecord[];
  /** By dataset, then by producer. */
  readonly feeds: Map<string, Map<string, Feed>>;
  /** Flags that people have set and that are in force: by dataset, then by producer. */
  readonly words: Map<string, Map<string, PersonsWords>>;
  readonly services: Map<string, OutOfServiceEntry>;
  /** Newest tick, and since when ticks have come without a gap; null before the first. */
  tickAt: number | null;
  listeningSince: number | null;
  readonly counters: EngineCounters;
  /** Effects whose records have not come back yet, by message id. */
  readonly unrecorded: Map<string, AlertEffect>;
  /** What follows from the above. */
  readonly index: EngineIndex;
}

export interface EngineIndex {
  /** Grows whenever routes of feeds must be found anew. */
  epoch: number;
  /** All rules of running contracts, in order. */
  rules: readonly RuleState[];
  readonly byKey: Map<string, RuleState>;
  /** Datasets that any rule reads. */
  datasets: ReadonlySet<string>;
  /** Of the datasets that have tests of values alone. */
  readonly valueTests: Map<string, ValueTests>;
  /** Rules that read or are inhibited by a rule's alerts. */
  readonly readers: Map<string, RuleState[]>;
  readonly inhibited: Map<string, RuleState[]>;
  /** Empty between two events. */
  readonly touched: Map<RuleState, number>;
  readonly active: ActiveAlerts;
  readonly room: Room;
}

/** The state before the first event. @param readingsMax how many readings of all producers are held */
export function emptyState(readingsMax = READINGS_MAX): EngineState {
  return {
    datasets: new Map(),
    places: new Map(),
    contracts: new Map(),
    scheduled: [],
    feeds: new Map(),
    words: new Map(),
    services: new Map(),
    tickAt: null,
    listeningSince: null,
    counters: { late: 0, uncomputable: 0, refused: 0, mismatches: 0, corrected: 0, cut: 0 },
    unrecorded: new Map(),
    index: {
      ...{ epoch: 0, rules: [], datasets: new Set() },
      ...{
        valueTests: new Map(),
        byKey: new Map(),
        readers: new Map(),
        inhibited: new Map(),
        active: new ActiveAlerts(),
        touched: new Map(),
        room: { max: readingsMax, held: 0, feeds: 0 },
      },
    },
  };
}

export function newRuleState(rule: Rule, from: number): RuleState {
  return {
    ...{ rule, from },
    ...{ trackers: new Map(), episodes: new Map(), silences: new Map(), groups: new Map() },
    quiet: { until: Number.NEGATIVE_INFINITY, at: 0, listeningSince: 0, epoch: -1 },
    ...{ field: new GridField(), values: [] },
  };
}

/** A rule among all. */
export function ruleKey(rule: { readonly contract: string; readonly rule: string }): string {
  return `${rule.contract}/${rule.rule}`;
}

/** The contract under the definitions known now; null when they do not let it run. */
export function compile(state: EngineState, text: string): Contract | null {
  const outcome = parseContract(text, state.datasets);
  return outcome.ok ? outcome.contract : null;
}

/** Makes the index anew after contracts, datasets or places changed. */
export function reindex(state: EngineState): void {
  const { index } = state;
  index.epoch++;
  const running = [...state.contracts.values()].filter(({ contract }) => contract !== null);
  index.rules = running.flatMap(({ contract, rules }) => (contract as Contract).rules.flatMap(({ id }) => rules.get(id) ?? []));
  for (const map of [index.byKey, index.readers, index.inhibited, index.active]) map.clear();
  index.valueTests.clear();
  for (const [dataset, definition] of state.datasets) {
    const tests = valueTestsOf(definition);
    if (tests !== undefined) index.valueTests.set(dataset, tests);
  }
  const datasets = new Set<string>();
  for (const known of index.rules) {
    const { rule } = known;
    index.byKey.set(ruleKey({ contract: rule.contract, rule: rule.id }), known);
    for (const { dataset } of inputsOf(rule)) datasets.add(dataset);
    for (const inhibition of rule.inhibitedBy) addTo(index.inhibited, ruleKey(inhibition), known);
    if (rule.kind === 'alerts') for (const { source } of rule.frame.alerts) addTo(index.readers, ruleKey(source), known);
    for (const episodes of known.episodes.values()) {
      for (const episode of episodes) {
        if (episode.clearedAt === null && !episode.retracted) index.active.add({ state: known, episode });
      }
    }
  }
  index.datasets = datasets;
}

/** The inputs a rule reads. */
export function inputsOf(rule: Rule): readonly Contract['inputs'][number][] {
  if (rule.kind === 'alerts') return [];
  if (rule.kind === 'no-data') return [rule.input];
  return [...new Set([rule.input, ...rule.frame.windows.map(({ window }) => window.input)])];
}

function addTo(map: Map<string, RuleState[]>, key: string, value: RuleState): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else if (!known.includes(value)) known.push(value);
}
