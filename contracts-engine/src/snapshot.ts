/** The engine's state as plain JSON: what a restart continues from. Orders are kept, so the same history gives the same bytes. */
import type { AlertEffect, ContractRecord, DatasetDefinition } from '@airtight/protocol';
import type { Episode } from './alert/episode.ts';
import type { GroupAlert } from './alert/group.ts';
import type { OutOfServiceEntry } from './alert/suppression.ts';
import { ENGINE_VERSION } from './contract.ts';
import { adoptRules } from './contract-change.ts';
import {
  type ContractState,
  compile,
  type EngineCounters,
  type EngineState,
  emptyState,
  newRuleState,
  type RuleState,
  reindex,
} from './engine-state.ts';
import type { PersonsWords } from './quality/value-verdict.ts';
import { Feed } from './rule/feed.ts';
import type { Place } from './rule/places.ts';
import { countReadings } from './rule/room.ts';
import { type Reading, Series } from './rule/series.ts';
import type { Silence } from './rule/silence.ts';
import { Tracker, type TrackerSnapshot } from './rule/tracker.ts';

export interface EngineSnapshot {
  readonly engine: string;
  readonly datasets: readonly DatasetDefinition[];
  readonly places: readonly (readonly [producer: string, place: Place])[];
  readonly contracts: readonly {
    readonly name: string;
    readonly version: string;
    readonly text: string;
    readonly rules: readonly RuleSnapshot[];
  }[];
  readonly scheduled: readonly ContractRecord[];
  readonly feeds: readonly FeedSnapshot[];
  readonly words: readonly (readonly [dataset: string, producer: string, words: PersonsWords])[];
  readonly services: readonly (readonly [id: string, entry: OutOfServiceEntry])[];
  readonly tickAt: number | null;
  readonly listeningSince: number | null;
  readonly counters: EngineCounters;
  readonly unrecorded: readonly (readonly [messageId: string, effect: AlertEffect])[];
}

interface RuleSnapshot {
  readonly id: string;
  readonly from: number;
  readonly trackers: readonly TrackerSnapshot[];
  readonly episodes: readonly (readonly [subject: string, episodes: readonly Episode[]])[];
  readonly silences: readonly (readonly [producer: string, silence: Silence])[];
  readonly groups: readonly (readonly [name: string, group: GroupAlert])[];
  readonly field: FieldSnapshot | null;
}

interface FieldSnapshot {
  readonly stations: readonly {
    readonly input: string;
    readonly producer: string;
    readonly agency: string;
    readonly readings: readonly Reading[];
    readonly watermark: number;
  }[];
  readonly forecasts: readonly { readonly input: string; readonly producer: string; readonly readings: readonly Reading[] }[];
  readonly watermark: number;
  readonly live: boolean;
  readonly nextAt: number | null;
  readonly sincePrune: number;
}

interface FeedSnapshot {
  readonly dataset: string;
  readonly producer: string;
  readonly agency: string;
  readonly readings: readonly Reading[];
  readonly watermark: number;
  readonly pruneAt: number;
}

/** A deep copy: what the engine does next changes nothing in it. */
export function toSnapshot(state: EngineState): EngineSnapshot {
  return structuredCloneJson(viewOf(state));
}

/** It shares what changes: of use until the next event alone. */
export function viewOf(state: EngineState): EngineSnapshot {
  const { tickAt, listeningSince, counters } = state;
  return {
    engine: ENGINE_VERSION,
    datasets: [...state.datasets.values()],
    places: [...state.places],
    contracts: [...state.contracts.values()].map(({ name, version, text, rules }) => ({
      ...{ name, version, text },
      rules: [...rules].map(([id, known]) => ruleSnapshot(id, known)),
    })),
    scheduled: state.scheduled,
    feeds: [...state.feeds.values()].flatMap((feeds) => [...feeds.values()].map(feedSnapshot)),
    words: [...state.words].flatMap(([dataset, words]) => [...words].map(([producer, own]) => [dataset, producer, own] as const)),
    services: [...state.services],
    ...{ tickAt, listeningSince, counters },
    unrecorded: [...state.unrecorded],
  };
}

function ruleSnapshot(id: string, { from, trackers, episodes, silences, groups, field, rule }: RuleState): RuleSnapshot {
  return {
    ...{ id, from },
    trackers: [...trackers.values()]
      .filter(({ isPristine }) => !isPristine)
      .sort((a, b) => (a.subject < b.subject ? -1 : 1))
      .map((tracker) => tracker.snapshot()),
    episodes: [...episodes],
    silences: [...silences],
    groups: [...groups],
    field: rule.kind === 'grid' ? fieldSnapshot(field) : null,
  };
}

function fieldSnapshot({ stations, forecasts, watermark, live, nextAt, sincePrune }: RuleState['field']): FieldSnapshot {
  return {
    stations: [...stations].flatMap(([input, known]) =>
      [...known.values()].map(({ producer, agency, series }) => {
        return { input, producer, agency, readings: series.readings, watermark: series.watermark };
      }),
    ),
    forecasts: [...forecasts].flatMap(([input, known]) => [...known].map(([producer, readings]) => ({ input, producer, readings }))),
    ...{ watermark, live, nextAt, sincePrune },
  };
}

function feedSnapshot({ dataset, producer, agency, series, pruneAt }: Feed): FeedSnapshot {
  return { dataset, producer, agency, readings: series.readings, watermark: series.watermark, pruneAt };
}

/**
 * @param snapshot goes over to the state
 * @throws RangeError for a snapshot of other semantics: the state must then be made anew from the journal
 */
export function fromSnapshot(snapshot: EngineSnapshot, readingsMax?: number): EngineState {
  if (snapshot.engine !== ENGINE_VERSION) throw new RangeError(`a snapshot of ${snapshot.engine}, this engine is ${ENGINE_VERSION}`);
  const state = emptyState(readingsMax);
  for (const definition of snapshot.datasets) state.datasets.set(definition.dataset, definition);
  for (const [producer, place] of snapshot.places) state.places.set(producer, place);
  for (const contract of snapshot.contracts) state.contracts.set(contract.name, revivedContract(state, contract));
  for (const { dataset, producer, agency, readings, watermark, pruneAt } of snapshot.feeds) {
    const feeds = state.feeds.get(dataset) ?? new Map<string, Feed>();
    const feed = new Feed(dataset, producer, agency, new Series([...readings], watermark), pruneAt);
    state.feeds.set(dataset, feeds.set(producer, feed));
    countReadings(state, feed);
  }
  for (const [dataset, producer, words] of snapshot.words) {
    const ofDataset = state.words.get(dataset) ?? new Map<string, PersonsWords>();
    state.words.set(dataset, ofDataset.set(producer, words));
  }
  for (const [id, entry] of snapshot.services) state.services.set(id, entry);
  state.scheduled = snapshot.scheduled;
  state.tickAt = snapshot.tickAt;
  state.listeningSince = snapshot.listeningSince;
  Object.assign(state.counters, snapshot.counters);
  for (const [messageId, effect] of snapshot.unrecorded) state.unrecorded.set(messageId, effect);
  reindex(state);
  return state;
}

function revivedContract(state: EngineState, { name, version, text, rules }: EngineSnapshot['contracts'][number]): ContractState {
  const contract = compile(state, text);
  const entry: ContractState = { name, version, text, contract, rules: new Map() };
  // In the order of the snapshot, so that the next one has it too; a rule that does not run now keeps what is known of it.
  for (const { id, from } of rules) {
    const rule = contract?.rules.find((candidate) => candidate.id === id);
    if (rule !== undefined) entry.rules.set(id, newRuleState(rule, from));
  }
  adoptRules(entry, contract, -1);
  for (const rule of rules) {
    const known = entry.rules.get(rule.id);
    if (known !== undefined) revive(known, rule);
  }
  return entry;
}

function revive(known: RuleState, { trackers, episodes, silences, groups, field }: RuleSnapshot): void {
  for (const tracker of trackers) known.trackers.set(tracker.subject, Tracker.from(tracker));
  for (const [subject, list] of episodes) known.episodes.set(subject, [...list]);
  for (const [producer, silence] of silences) known.silences.set(producer, silence);
  for (const [name, group] of groups) known.groups.set(name, group);
  if (field === null) return;
  const { stations, forecasts, ...rest } = field;
  Object.assign(known.field, rest);
  for (const { input, producer, agency, readings, watermark } of stations) {
    const ofInput = known.field.stations.get(input) ?? new Map();
    known.field.stations.set(input, ofInput.set(producer, { producer, agency, series: new Series([...readings], watermark) }));
  }
  for (const { input, producer, readings } of forecasts) {
    const ofInput = known.field.forecasts.get(input) ?? new Map();
    known.field.forecasts.set(input, ofInput.set(producer, [...readings]));
  }
}

function structuredCloneJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
