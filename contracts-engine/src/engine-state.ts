/** Everything the engine remembers between two events, and its plain JSON form. */
import type { AlertEffect, ContractRecord, DatasetDefinition } from '@airtight/protocol';
import { type Contract, ENGINE_VERSION } from './contract.ts';
import { parseContract } from './parse-contract.ts';

/** One rule about one producer: of fixed size, whatever was read. */
export interface SubjectState {
  agency: string;
  /** Event time and position of the newest reading that counted. */
  at: number;
  position: number;
  /**
   * Threshold: since when the condition waited for has held (that to raise, or with an active alert that to clear), and
   * the position of the record that began it; null while it does not hold.
   */
  since: number | null;
  sincePosition: number;
  active: ActiveAlert | null;
}

export interface ActiveAlert {
  readonly alert: string;
  /** Event times: when the condition began to hold, and when the alert was raised. */
  readonly since: number;
  readonly at: number;
}

export type Subjects = Map<string, SubjectState>;

export interface ContractState {
  readonly name: string;
  readonly version: string;
  readonly text: string;
  /** null: the dataset definitions known so far do not let it run. */
  contract: Contract | null;
  /** By rule id, then by producer. */
  readonly rules: Map<string, Subjects>;
}

export interface EngineCounters {
  /** Readings not newer than the newest one judged for that subject and rule: not judged again. */
  late: number;
  /** Readings for which an expression could not be computed. */
  uncomputable: number;
  /** Contract records that were not taken: faulty under these semantics, or of another version. */
  refused: number;
  /** Recorded alerts that differ from what the same journal makes this engine cause. */
  mismatches: number;
}

export interface EngineState {
  readonly datasets: Map<string, DatasetDefinition>;
  readonly contracts: Map<string, ContractState>;
  /** Running contracts by dataset: derived from `contracts`. */
  readonly byDataset: Map<string, readonly RunningContract[]>;
  /** Newest tick, and since when ticks have come without a gap; null before the first. */
  tickAt: number | null;
  listeningSince: number | null;
  readonly counters: EngineCounters;
  /** Effects whose records have not come back yet, by message id. */
  readonly unrecorded: Map<string, AlertEffect>;
}

export interface RunningContract {
  readonly contract: Contract;
  readonly rules: ReadonlyMap<string, Subjects>;
}

/** Plain JSON: what a restart continues from. */
export interface EngineSnapshot {
  readonly engine: string;
  readonly datasets: readonly DatasetDefinition[];
  readonly contracts: readonly {
    readonly name: string;
    readonly version: string;
    readonly text: string;
    readonly rules: readonly { readonly id: string; readonly subjects: readonly (SubjectState & { readonly producer: string })[] }[];
  }[];
  readonly tickAt: number | null;
  readonly listeningSince: number | null;
  readonly counters: EngineCounters;
  readonly unrecorded: readonly (readonly [messageId: string, effect: AlertEffect])[];
}

/** The state before the first event. */
export function emptyState(): EngineState {
  return {
    datasets: new Map(),
    contracts: new Map(),
    byDataset: new Map(),
    tickAt: null,
    listeningSince: null,
    counters: { late: 0, uncomputable: 0, refused: 0, mismatches: 0 },
    unrecorded: new Map(),
  };
}

/** A deep copy as plain JSON; orders are kept, so the same history gives the same bytes. */
export function toSnapshot(state: EngineState): EngineSnapshot {
  return {
    engine: ENGINE_VERSION,
    datasets: [...state.datasets.values()],
    contracts: [...state.contracts.values()].map(({ name, version, text, rules }) => ({
      name,
      version,
      text,
      rules: [...rules].map(([id, subjects]) => ({
        id,
        subjects: [...subjects].map(([producer, subject]) => ({ producer, ...subject })),
      })),
    })),
    tickAt: state.tickAt,
    listeningSince: state.listeningSince,
    counters: { ...state.counters },
    unrecorded: [...state.unrecorded],
  };
}

/** @throws RangeError for a snapshot of other semantics: the state must then be made anew from the journal */
export function fromSnapshot(snapshot: EngineSnapshot): EngineState {
  if (snapshot.engine !== ENGINE_VERSION) throw new RangeError(`a snapshot of ${snapshot.engine}, this engine is ${ENGINE_VERSION}`);
  const state = emptyState();
  for (const definition of snapshot.datasets) state.datasets.set(definition.dataset, definition);
  for (const { name, version, text, rules } of snapshot.contracts) {
    const revived = rules.map(({ id, subjects }): [string, Subjects] => [
      id,
      new Map(subjects.map(({ producer, ...subject }) => [producer, subject])),
    ]);
    state.contracts.set(name, { name, version, text, contract: compile(state, text), rules: new Map(revived) });
  }
  state.tickAt = snapshot.tickAt;
  state.listeningSince = snapshot.listeningSince;
  Object.assign(state.counters, snapshot.counters);
  for (const [messageId, effect] of snapshot.unrecorded) state.unrecorded.set(messageId, effect);
  indexByDataset(state);
  return state;
}

/** The contract under the definitions known now; null when they do not let it run. */
export function compile(state: EngineState, text: ContractRecord['text']): Contract | null {
  const outcome = parseContract(text, state.datasets);
  return outcome.ok ? outcome.contract : null;
}

/** Makes `byDataset` anew after contracts changed. */
export function indexByDataset(state: EngineState): void {
  state.byDataset.clear();
  for (const { contract, rules } of state.contracts.values()) {
    if (contract === null) continue;
    state.byDataset.set(contract.dataset, [...(state.byDataset.get(contract.dataset) ?? []), { contract, rules }]);
  }
}
