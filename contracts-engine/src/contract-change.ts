/** Contracts and dataset definitions coming into force. */
import type { AlertEffect, ContractRecord, DatasetDefinition } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { clear } from './alert-effect.ts';
import type { Contract } from './contract.ts';
import { type ContractState, compile, type EngineState, indexByDataset, type Subjects } from './engine-state.ts';
import { parseContract } from './parse-contract.ts';

/**
 * Puts a contract version into force. A rule that keeps its id and kind keeps its active alerts, whose end the new clear
 * condition decides, and starts its times anew; alerts of a rule that is gone are cleared.
 * A record that is faulty, or whose version is not that of its text under this engine, is counted and changes nothing.
 */
export function enactContract(state: EngineState, position: number, record: ContractRecord): AlertEffect[] {
  const former = state.contracts.get(record.contract);
  if (former?.version === record.version) return [];
  const outcome = parseContract(record.text, state.datasets);
  const waiting = !outcome.ok && outcome.errors.every(({ fault }) => fault === 'dataset-unknown');
  const contract = outcome.ok ? outcome.contract : null;
  const genuine = contract === null ? waiting : contract.version === record.version && contract.contract === record.contract;
  if (!genuine) {
    state.counters.refused++;
    return [];
  }
  const rules = new Map((contract?.rules ?? []).map(({ id }): [string, Subjects] => [id, new Map()]));
  const effects = former === undefined ? [] : succeed(state, position, former, contract, rules);
  state.contracts.set(record.contract, { name: record.contract, version: record.version, text: record.text, contract, rules });
  indexByDataset(state);
  return effects;
}

/** A new or changed definition: contracts that waited for it begin to run, those on it are compiled anew. */
export function enactDataset(state: EngineState, definition: DatasetDefinition): void {
  const former = state.datasets.get(definition.dataset);
  if (former !== undefined && canonicalJson(former) === canonicalJson(definition)) return;
  state.datasets.set(definition.dataset, definition);
  for (const entry of state.contracts.values()) {
    if (entry.contract !== null && entry.contract.dataset !== definition.dataset) continue;
    const compiled = compile(state, entry.text);
    entry.contract = compiled?.version === entry.version && compiled.contract === entry.name ? compiled : null;
    for (const { id } of entry.contract?.rules ?? []) if (!entry.rules.has(id)) entry.rules.set(id, new Map());
  }
  indexByDataset(state);
}

/** Hands what the former version knew to the next, rule by rule. */
function succeed(
  state: EngineState,
  position: number,
  former: ContractState,
  next: Contract | null,
  rules: Map<string, Subjects>,
): AlertEffect[] {
  const effects: AlertEffect[] = [];
  for (const [id, subjects] of former.rules) {
    const before = former.contract?.rules.find((rule) => rule.id === id);
    const after = next?.rules.find((rule) => rule.id === id);
    if (before !== undefined && before.kind === after?.kind && former.contract?.dataset === next?.dataset) {
      for (const subject of subjects.values()) subject.since = null;
      rules.set(id, subjects);
      continue;
    }
    for (const subject of subjects.values()) {
      if (subject.active === null) continue;
      // Event time stands still for a rule that is gone: the newest it knew, or for silence the newest tick.
      const at = Math.max(subject.at, subject.active.at, before?.kind === 'no-data' ? (state.tickAt ?? 0) : 0);
      effects.push(clear(subject, { at, values: {}, evidence: [position] }));
    }
  }
  return effects;
}
