/** Contracts, dataset definitions and devices coming into force. */
import type { ContractRecord, ContractWithdrawal, DatasetDefinition, DeviceRecord } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { effectBase } from './alert/effect-base.ts';
import { isActive } from './alert/episode.ts';
import { end } from './alert/issue.ts';
import type { Contract, Rule } from './contract.ts';
import { type ContractState, compile, type EngineState, newRuleState, type RuleState, reindex } from './engine-state.ts';
import { parseContract } from './parse-contract.ts';
import { placeOf } from './rule/places.ts';
import type { Turn } from './turn.ts';

/** Versions that wait for their time; beyond it the record is refused. */
export const SCHEDULED_MAX = 256;

/** Takes a contract record: into force now, or at the first tick at or after its time. */
export function enactContract(turn: Turn, record: ContractRecord): void {
  const { state } = turn;
  if (record.effectiveFrom === undefined || record.effectiveFrom <= (state.tickAt ?? Number.NEGATIVE_INFINITY)) putInForce(turn, record);
  else if (state.scheduled.length < SCHEDULED_MAX) state.scheduled = [...state.scheduled, record];
  else state.counters.refused++;
}

/** Puts into force what is due at a tick: the earliest first, those of one time in order of position. */
export function enactDue(turn: Turn, at: number): void {
  const { state } = turn;
  const isDue = ({ effectiveFrom = 0 }: ContractRecord): boolean => effectiveFrom <= at;
  const due = state.scheduled.filter(isDue).sort((a, b) => (a.effectiveFrom ?? 0) - (b.effectiveFrom ?? 0));
  if (due.length === 0) return;
  state.scheduled = state.scheduled.filter((record) => !isDue(record));
  for (const record of due) putInForce(turn, record);
}

/** Takes a version back: one that waits never comes into force; of one in force the alerts are cleared. A draft was never known here. */
export function withdrawContract(turn: Turn, { contract, version, draft }: ContractWithdrawal): void {
  const { state } = turn;
  if (draft !== undefined) return;
  state.scheduled = state.scheduled.filter((record) => record.contract !== contract || record.version !== version);
  const former = state.contracts.get(contract);
  if (former?.version !== version) return;
  state.contracts.delete(contract);
  endOthers(turn, former, new Map());
  reindex(state);
}

/**
 * Puts a contract version into force. A rule that keeps its id and kind keeps its active alerts, whose end the new clear
 * condition decides, and starts its times anew; alerts of a rule that is gone are cleared.
 * A record that is faulty, or whose version is not that of its text under this engine, is counted and changes nothing.
 */
function putInForce(turn: Turn, record: ContractRecord): void {
  const { state } = turn;
  const former = state.contracts.get(record.contract);
  if (former?.version === record.version) return;
  const outcome = parseContract(record.text, state.datasets);
  const waiting = !outcome.ok && outcome.errors.every(({ fault }) => fault === 'dataset-unknown');
  const contract = outcome.ok ? outcome.contract : null;
  const genuine = contract === null ? waiting : contract.version === record.version && contract.contract === record.contract;
  if (!genuine) {
    state.counters.refused++;
    return;
  }
  const rules = new Map(
    (contract?.rules ?? []).map((rule): [string, RuleState] => [rule.id, succeed(former?.rules.get(rule.id), rule, turn.position)]),
  );
  state.contracts.set(record.contract, { name: record.contract, version: record.version, text: record.text, contract, rules });
  if (former !== undefined) endOthers(turn, former, rules);
  reindex(state);
}

/**
 * A new or changed definition: contracts that waited for it begin to run, those on it are compiled anew. Alerts of one that
 * it does not let run any more are cleared.
 */
export function enactDataset(turn: Turn, definition: DatasetDefinition): void {
  const { state } = turn;
  const former = state.datasets.get(definition.dataset);
  if (former !== undefined && canonicalJson(former) === canonicalJson(definition)) return;
  state.datasets.set(definition.dataset, definition);
  for (const entry of state.contracts.values()) {
    const { contract } = entry;
    if (contract?.inputs.every(({ dataset }) => dataset !== definition.dataset)) continue;
    const compiled = compile(state, entry.text);
    entry.contract = compiled?.version === entry.version && compiled.contract === entry.name ? compiled : null;
    const former = { ...entry, rules: new Map(entry.rules) };
    if (entry.contract === null) entry.rules.clear();
    adoptRules(entry, entry.contract, turn.position);
    if (entry.contract === null) endOthers(turn, former, entry.rules);
  }
  reindex(state);
}

/** Where a device stands, or that it is no more. */
export function enactDevice(state: EngineState, record: DeviceRecord): void {
  const former = state.places.get(record.producer);
  const place = placeOf(record, former, state.tickAt);
  if (former !== undefined && canonicalJson(former) === canonicalJson(place)) return;
  state.places.set(record.producer, place);
  state.index.epoch++;
}

/** The same contract under another definition: what is known stays. */
export function adoptRules({ rules }: ContractState, contract: Contract | null, from: number): void {
  for (const rule of contract?.rules ?? []) {
    const known = rules.get(rule.id);
    if (known === undefined) rules.set(rule.id, newRuleState(rule, from));
    else known.rule = rule;
  }
}

function succeed(former: RuleState | undefined, rule: Rule, from: number): RuleState {
  const next = newRuleState(rule, from);
  if (former?.rule.kind !== rule.kind || subjectKind(former.rule) !== subjectKind(rule)) return next;
  for (const [subject, tracker] of former.trackers) {
    if (rule.kind !== 'no-data') tracker.succeed(rule.levels.length);
    next.trackers.set(subject, tracker);
  }
  for (const [subject, episodes] of former.episodes) {
    // Late data do not reach behind the version, so what is over is done with.
    const active = episodes.filter(isActive);
    if (active.length > 0) next.episodes.set(subject, active);
  }
  for (const [producer, silence] of former.silences) next.silences.set(producer, silence);
  for (const [name, group] of former.groups) next.groups.set(name, group);
  return next;
}

function subjectKind(rule: Rule): string {
  return rule.kind === 'grid' || rule.kind === 'alerts' ? rule.subject : 'producer';
}

/** Event time stands still for a rule that is gone: the newest it knew, or for silence the newest tick. */
function endOthers(turn: Turn, former: ContractState, rules: ReadonlyMap<string, RuleState>): void {
  const gone = { values: {}, reason: 'rule-gone', evidence: [turn.position] } as const;
  for (const [id, known] of former.rules) {
    const next = rules.get(id);
    for (const [subject, episodes] of known.episodes) {
      const episode = episodes.findLast(isActive);
      if (episode === undefined || next?.episodes.has(subject) === true) continue;
      const newest = known.rule.kind === 'no-data' ? (turn.state.tickAt ?? 0) : (known.trackers.get(subject)?.lastAt ?? 0);
      const at = Math.max(newest, episode.steps.at(-1)?.at ?? 0);
      end(turn, known, episode, at);
      turn.effects.push({ type: 'clear', ...effectBase(known.rule, episode), at, ...gone });
    }
    if (next !== undefined && next.groups.size > 0) continue;
    for (const group of known.groups.values()) {
      const at = turn.state.tickAt ?? group.since;
      turn.effects.push({ type: 'clear', ...effectBase(known.rule, group), at, ...gone });
    }
  }
}
