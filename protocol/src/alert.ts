/** Alerts as records: each transition is one record in dataset `alerts` (ISA-18.2 words), keyed by the alert's id. */
import { ALERTS_DATASET, type Bilingual } from './control.ts';
import type { DecodedRecord } from './record.ts';

export type Severity = 'minor' | 'moderate' | 'severe' | 'extreme';

interface TransitionBase {
  readonly v: 1;
  /** 32 lower-case hex digits: the same inputs under the same contract always give the same id. */
  readonly alert: string;
  /** Event time of the transition, epoch ms. For a person's act: when it was done. */
  readonly at: number;
}

export interface AlertRaised extends TransitionBase {
  readonly type: 'raise';
  readonly contract: string;
  /** Version hash of the contract. */
  readonly version: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly agency: string;
  readonly dataset: string;
  /** The producer the alert is about. */
  readonly subject: string;
  /** Event time at which the condition began to hold. */
  readonly since: number;
  /** Every value the condition read. */
  readonly values: { readonly [name: string]: number | string | boolean };
  readonly message: Bilingual;
  /** Journal positions of the records that made it fire: the first over the limit and the last. */
  readonly evidence: readonly number[];
}

export interface AlertCleared extends TransitionBase {
  readonly type: 'clear';
  readonly values: { readonly [name: string]: number | string | boolean };
  readonly evidence: readonly number[];
}

/** A person's acts: who did it is on record. */
export interface AlertAcknowledged extends TransitionBase {
  readonly type: 'acknowledge';
  readonly by: string;
  readonly comment: string;
}

export type AlertTransition = AlertRaised | AlertCleared | AlertAcknowledged;
/** What a contract may cause. */
export type AlertEffect = AlertRaised | AlertCleared;

/**
 * Alerts that the platform raises itself, without a contract, are recorded under this name. No contract can have it: it
 * begins like the control datasets.
 */
export const LEDGER_FORK_ALERT = 'sys.ledger-fork';

/**
 * ISA-18.2 states of an alert: active and unacknowledged, active and acknowledged, returned to normal but never
 * acknowledged, over.
 */
export type AlertState = 'unacknowledged' | 'acknowledged' | 'returned' | 'closed';

/** The transition that a record is; undefined when it is none, or was not written by our own services. */
export function transitionIn({ header, payload }: DecodedRecord): AlertTransition | undefined {
  if (header.dataset !== ALERTS_DATASET || header.door !== 'internal') return undefined;
  try {
    const json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as Partial<AlertTransition> | null;
    return typeof json?.alert === 'string' && typeof json.type === 'string' ? (json as AlertTransition) : undefined;
  } catch {
    return undefined;
  }
}

/** The record identity of a transition: a transition that is written again is a repeat, not a second one. */
export function transitionMessageId(transition: AlertTransition): string {
  return `id:${transition.alert}.${transition.type}`;
}

/** State after the given transitions of one alert. */
export function alertStateOf(transitions: { readonly cleared: boolean; readonly acknowledged: boolean }): AlertState {
  if (transitions.cleared) return transitions.acknowledged ? 'closed' : 'returned';
  return transitions.acknowledged ? 'acknowledged' : 'unacknowledged';
}
