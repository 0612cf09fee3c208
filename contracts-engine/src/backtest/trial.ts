/** One contract version, tried over a journal: the live engine alone, and what it would have told. */
import {
  type AlertEffect,
  type AlertOutcome,
  type AlertRaised,
  type Bilingual,
  type ContractRecord,
  SEVERITIES,
  type Severity,
  sha256Hex,
} from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { Engine } from '../engine.ts';
import type { EngineEvent } from '../engine-event.ts';

/** Alerts of one trial: a rule that raises more is no rule anybody could work with. */
export const TRIAL_ALERTS_MAX = 50_000;
/** What is in force before the first record of the journal. */
const BEFORE_ALL = -1;

/** An alert as it stood at the end of the trial. Times are epoch ms of event time. */
export interface TriedAlert {
  readonly alert: string;
  readonly rule: string;
  readonly subject: string;
  /** The worst it reached. */
  readonly severity: Severity;
  readonly since: number;
  readonly raisedAt: number;
  /** When people would have been told: the arrival of the record that completed it. */
  readonly toldAt: number;
  /** null: active at the end. */
  readonly clearedAt: number | null;
  readonly severities: AlertOutcome['severities'];
  /** Late data showed that it was due. */
  readonly hindsight: boolean;
  /** Told of through its group's alert alone, or through another that explains it. */
  readonly quiet: boolean;
  /** How often late data changed what it should have been. */
  readonly corrections: number;
  readonly message: Bilingual;
}

/** One time that somebody's attention is asked for: a raise, or a rise to a worse severity. */
export interface Annunciation {
  readonly at: number;
  readonly severity: Severity;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Trial {
  readonly #engine = new Engine();
  readonly #contract: string;
  readonly #alerts = new Map<string, Mutable<TriedAlert>>();
  readonly annunciations: Annunciation[] = [];
  #retracted = 0;
  #chain = '';

  /**
   * @param record the version to try
   * @param setting events that put datasets, devices and the contracts it refers to in place; their positions do not count
   */
  constructor(record: ContractRecord, setting: readonly EngineEvent[]) {
    this.#contract = record.contract;
    for (const event of setting) this.#engine.apply({ ...event, position: BEFORE_ALL });
    this.#engine.apply({ kind: 'contract', position: BEFORE_ALL, record });
  }

  /**
   * Takes the next event.
   * @param arrivedAt when it came, epoch ms
   * @returns false when there are more alerts than TRIAL_ALERTS_MAX
   */
  apply(event: EngineEvent, arrivedAt: number): boolean {
    const effects = this.#engine.apply(event);
    for (const effect of effects) if (effect.contract === this.#contract) this.#take(effect, arrivedAt);
    return this.#alerts.size <= TRIAL_ALERTS_MAX;
  }

  /** In order of the time they were raised at, then by rule and subject. */
  alerts(): readonly TriedAlert[] {
    return [...this.#alerts.values()].sort(
      (a, b) => a.raisedAt - b.raisedAt || compare(a.rule, b.rule) || compare(a.subject, b.subject) || compare(a.alert, b.alert),
    );
  }

  /** Alerts that late data showed to be wrong: they are not among the alerts. */
  get retracted(): number {
    return this.#retracted;
  }

  /** Instants for which an expression could not be computed; readings that came too late to count. */
  get passedOver(): { readonly uncomputable: number; readonly late: number } {
    const { uncomputable, late } = this.#engine.status();
    return { uncomputable, late };
  }

  /** Lower-case hex SHA-256 chained over the canonical form of every effect: equal when every byte is. */
  get digest(): string {
    return this.#chain === '' ? sha256Hex(new Uint8Array(0)) : this.#chain;
  }

  #take(effect: AlertEffect, arrivedAt: number): void {
    this.#chain = sha256Hex(new TextEncoder().encode(this.#chain + canonicalJson(effect)));
    if (effect.type === 'raise') {
      this.#alerts.set(effect.alert, raised(effect, arrivedAt));
      if (!isQuiet(effect)) this.annunciations.push({ at: arrivedAt, severity: effect.severity });
      return;
    }
    const alert = this.#alerts.get(effect.alert);
    if (alert === undefined) return;
    if (effect.type === 'clear') alert.clearedAt = effect.at;
    else if (effect.type === 'update') {
      if (rank(effect.severity) > rank(alert.severities.at(-1)?.severity ?? 'minor') && !alert.quiet)
        this.annunciations.push({ at: arrivedAt, severity: effect.severity });
      setSteps(alert, [...alert.severities, { at: effect.at, severity: effect.severity }]);
    } else if (effect.type === 'correct') this.#correct(alert, effect.outcome);
  }

  #correct(alert: Mutable<TriedAlert>, outcome: AlertOutcome | null): void {
    if (outcome === null) {
      this.#alerts.delete(alert.alert);
      this.#retracted++;
      return;
    }
    const { since, raisedAt, severities, clearedAt } = outcome;
    Object.assign(alert, { since, raisedAt, clearedAt, corrections: alert.corrections + 1 });
    setSteps(alert, severities);
  }
}

function raised(effect: AlertRaised, toldAt: number): Mutable<TriedAlert> {
  const { alert, rule, subject, severity, since, at, message } = effect;
  return {
    ...{ alert, rule, subject, severity, since, raisedAt: at, toldAt, clearedAt: null },
    ...{ severities: [{ at, severity }], hindsight: effect.hindsight === true, quiet: isQuiet(effect), corrections: 0, message },
  };
}

function isQuiet({ group, suppressedBy }: AlertRaised): boolean {
  return group !== undefined || suppressedBy !== undefined;
}

function setSteps(alert: Mutable<TriedAlert>, severities: AlertOutcome['severities']): void {
  alert.severities = severities;
  for (const { severity } of severities) if (rank(severity) > rank(alert.severity)) alert.severity = severity;
}

function rank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
