/**
 * Comes to an alert again from its evidence: the live engine, the records of the file in order of position, nothing else.
 * Whether the records are proven is tlog's to say; here it is asked whether they give the alert.
 */
import {
  ALERTS_DATASET,
  type AlertEffect,
  type AlertTransition,
  birthOf,
  CONTRACTS_DATASET,
  CONTROL_PREFIX,
  type Code,
  type ContractRecord,
  type ContractWithdrawal,
  DATASETS_DATASET,
  DatasetRegistry,
  DELIVERIES_DATASET,
  type DeviceRecord,
  decodeRecord,
  deliveriesIn,
  FILE_DOOR,
  FLAGS_DATASET,
  type FlagRecord,
  isEffect,
  REGIONS_DATASET,
  readPayload,
  regionAnswerIn,
  type SparkplugBirth,
  sparkplugBirthIn,
  TICKS_DATASET,
  toObservations,
  transitionIn,
  transitionMessageId,
} from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { Engine } from '../engine.ts';
import type { EngineEvent } from '../engine-event.ts';
import { parseContract } from '../parse-contract.ts';
import type { AlertEvidence, StatedPlace } from './alert-evidence.ts';
import { type AnswerOnRecord, checkAnswer, type RegionAnswer } from './answers.ts';
import { type Explanation, explain } from './explain.ts';
import { type ToldAttempt, toldFaults } from './told.ts';

export interface EvidenceRecord {
  readonly position: number;
  readonly record: Uint8Array;
}

export interface ReplayFault {
  readonly code: Code;
  /** Of the record concerned; null: of the file. */
  readonly position: number | null;
  readonly detail: string;
}

export interface ReplayVerdict {
  /** Empty: the records give the alert, transition by transition, to the byte. */
  readonly faults: readonly ReplayFault[];
  /** As recorded, in order of position. */
  readonly transitions: readonly { readonly position: number; readonly transition: AlertTransition }[];
  /** The version under which it was raised; null when it is not among the records. */
  readonly contract: { readonly position: number; readonly record: ContractRecord } | null;
  readonly explanations: readonly Explanation[];
  /** Attempts to tell others of the alert, in order of position. */
  readonly deliveries: readonly ToldAttempt[];
  /** What other regions answered, in order of position, with what is wrong with it. */
  readonly answers: readonly RegionAnswer[];
  readonly counts: { readonly readings: number; readonly ticks: number };
  /** Position of the record that causes the last of what is recorded: what comes after it is not needed. */
  readonly through: number;
}

/** Before every record. */
const BEFORE_ALL = -1;

/** @param records of the proof set, in any order */
export function replayAlert({ alert, places }: Pick<AlertEvidence, 'alert' | 'places'>, records: readonly EvidenceRecord[]): ReplayVerdict {
  const reader = new EvidenceReader(records);
  const machine = new Engine();
  for (const place of places) machine.apply({ kind: 'device', position: BEFORE_ALL, record: deviceOf(place) });
  const computed: CausedEffect[] = [];
  for (const event of reader.events) {
    for (const effect of machine.apply(event)) if (effect.alert === alert) computed.push({ effect, position: event.position });
  }
  const transitions = reader.transitions.filter(({ transition }) => transition.alert === alert);
  const deliveries = reader.attempts.filter(({ outcome }) => outcome.alert === alert);
  const positions = new Set(transitions.map(({ position }) => position));
  const told = toldFaults(deliveries, positions);
  const answers = reader.answers.filter(({ record }) => record.alert === alert);
  const faults: ReplayFault[] = [
    ...reader.faults,
    ...reader.versionFaults(machine),
    ...compare(
      transitions,
      computed.map(({ effect }) => effect),
    ),
    ...told.map(({ position, detail }) => fault('ALERTS_MISMATCH', position, detail)),
  ];
  const raise = transitions.find(({ transition }) => transition.type === 'raise')?.transition;
  const version = raise?.type === 'raise' ? raise.version : '';
  return {
    faults,
    transitions,
    contract: reader.contracts.find(({ record }) => record.version === version) ?? null,
    explanations: raise?.type === 'raise' ? reader.explain(transitions, raise.contract, raise.rule) : [],
    deliveries,
    answers: answers.map((answer) => checkAnswer(answer, alert, positions)),
    counts: { readings: reader.readings, ticks: reader.ticks },
    through: causeOfLast(transitions, computed),
  };
}

interface CausedEffect {
  readonly effect: AlertEffect;
  readonly position: number;
}

function causeOfLast(recorded: ReplayVerdict['transitions'], computed: readonly CausedEffect[]): number {
  const known = new Set(recorded.map(({ transition }) => transitionMessageId(transition)));
  const causes = computed.flatMap(({ effect, position }) => (known.has(transitionMessageId(effect)) ? [position] : []));
  const acts = recorded.flatMap(({ position, transition }) => (isEffect(transition) ? [] : [position]));
  return Math.max(BEFORE_ALL, ...causes, ...acts);
}

function compare(recorded: ReplayVerdict['transitions'], computed: readonly AlertEffect[]): ReplayFault[] {
  const waiting = new Map(computed.map((effect) => [transitionMessageId(effect), canonicalJson(effect)]));
  const faults: ReplayFault[] = [];
  for (const { position, transition } of recorded) {
    if (!isEffect(transition)) continue;
    const expected = waiting.get(transitionMessageId(transition));
    waiting.delete(transitionMessageId(transition));
    const told = canonicalJson(transition);
    if (expected === undefined)
      faults.push(fault('ALERTS_MISMATCH', position, `${transition.type}: recorded, but the readings do not give it`));
    else if (expected !== told)
      faults.push(fault('ALERTS_MISMATCH', position, `${transition.type}: recorded ${told}, the readings give ${expected}`));
  }
  for (const text of waiting.values()) faults.push(fault('ALERTS_MISMATCH', null, `the readings give what is not recorded: ${text}`));
  if (!recorded.some(({ transition }) => transition.type === 'raise'))
    faults.push(fault('ALERTS_MISMATCH', null, 'there is no record that raises it'));
  return faults;
}

function fault(code: Code, position: number | null, detail: string): ReplayFault {
  return { code, position, detail };
}

function deviceOf({ producer, agency, datasets, region, location }: StatedPlace): DeviceRecord {
  return {
    ...{ type: 'device', producer, agency, kind: 'service', name: { zh: producer, en: producer } },
    ...(region === undefined ? {} : { region }),
    ...(location === undefined ? {} : { location }),
    ...{ datasets, subscribe: [], credentials: [], simulated: false, revoked: false },
  };
}

/** The records of a file as what the engine is told. */
class EvidenceReader {
  readonly events: EngineEvent[] = [];
  readonly transitions: { readonly position: number; readonly transition: AlertTransition }[] = [];
  readonly contracts: { readonly position: number; readonly record: ContractRecord }[] = [];
  readonly faults: ReplayFault[] = [];
  readonly attempts: ToldAttempt[] = [];
  readonly answers: AnswerOnRecord[] = [];
  readings = 0;
  ticks = 0;
  readonly #registry = new DatasetRegistry();
  readonly #births = new Map<number, SparkplugBirth>();

  constructor(records: readonly EvidenceRecord[]) {
    for (const one of [...records].sort((a, b) => a.position - b.position)) this.#take(one);
  }

  /** A contract whose version is not that of its text decides nothing: the engine has counted it as refused. */
  versionFaults(machine: Engine): ReplayFault[] {
    const { refused } = machine.status();
    return refused === 0
      ? []
      : [fault('CONTRACT_INVALID', null, `${refused} contract records are faulty, or their version is not that of their text`)];
  }

  explain(transitions: ReplayVerdict['transitions'], contract: string, rule: string): Explanation[] {
    return transitions.flatMap(({ position, transition }) => {
      if (!isEffect(transition)) return [];
      const inForce = this.contracts.findLast((one) => one.record.contract === contract && one.position < position);
      const definitions = new Map(this.#registry.all().map((definition) => [definition.dataset, definition]));
      const outcome = inForce && parseContract(inForce.record.text, definitions);
      return outcome?.ok ? [explain(outcome.contract, rule, transition)] : [];
    });
  }

  #take({ position, record }: EvidenceRecord): void {
    const decoded = decodeRecord(record);
    if (!decoded.ok) {
      this.faults.push(fault(decoded.code, position, decoded.detail));
      return;
    }
    const { header, payload } = decoded.value;
    if (header.dataset === ALERTS_DATASET) {
      const transition = transitionIn(decoded.value);
      if (transition === undefined) return;
      this.transitions.push({ position, transition });
      this.events.push({ kind: 'alert', position, transition });
    } else if (header.dataset === DELIVERIES_DATASET) {
      for (const outcome of deliveriesIn(decoded.value) ?? []) this.attempts.push({ position, outcome });
    } else if (header.dataset === REGIONS_DATASET) {
      const answer = regionAnswerIn(decoded.value);
      if (answer !== undefined) this.answers.push({ position, record: answer });
    } else if (header.dataset.startsWith(CONTROL_PREFIX)) this.#takeControl(position, header.dataset, header.door, payload);
    else this.#takeReadings(position, record, decoded.value);
  }

  #takeControl(position: number, dataset: string, door: string, payload: Uint8Array): void {
    if (door !== 'internal') return;
    let json: { readonly type?: unknown; readonly at?: unknown };
    try {
      json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) ?? {};
    } catch {
      return;
    }
    if (dataset === TICKS_DATASET && json.type === 'tick' && typeof json.at === 'number') {
      this.ticks++;
      this.events.push({ kind: 'tick', position, at: json.at });
    } else if (dataset === DATASETS_DATASET && json.type === 'dataset') {
      const definition = json as Extract<EngineEvent, { kind: 'dataset' }>['definition'];
      this.#registry.define(position, definition);
      this.events.push({ kind: 'dataset', position, definition });
    } else if (dataset === FLAGS_DATASET && json.type === 'flag') {
      this.events.push({ kind: 'flag', position, record: json as FlagRecord });
    } else if (dataset === CONTRACTS_DATASET && json.type === 'contract') {
      const record = json as ContractRecord;
      this.contracts.push({ position, record });
      this.events.push({ kind: 'contract', position, record });
    } else if (dataset === CONTRACTS_DATASET && json.type === 'contract-withdrawal') {
      this.events.push({ kind: 'withdrawal', position, record: json as ContractWithdrawal });
    }
  }

  #takeReadings(
    position: number,
    bytes: Uint8Array,
    { header, payload }: Extract<ReturnType<typeof decodeRecord>, { ok: true }>['value'],
  ): void {
    const born = sparkplugBirthIn(bytes, position);
    if (born !== undefined) this.#births.set(position, born);
    // Imported history judges nothing (docs/reference/import.md).
    if (header.door === FILE_DOOR) return;
    const definition = this.#registry.at(header.dataset, position);
    const birth = this.#births.get(birthOf(bytes) ?? -1);
    const parsed = readPayload(payload, { ...header, definition, birth });
    if (!parsed.ok) return;
    this.readings += parsed.value.length;
    this.events.push({ kind: 'observations', position, observations: toObservations(header, position, parsed.value, definition) });
  }
}
