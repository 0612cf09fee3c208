/**
 * Alerts as records: each transition is one record in dataset `alerts` (ISA-18.2 words), keyed by the alert's id. What a
 * contract causes is an effect; what a person does is an act. How an alert stands after them: alert-fold.ts.
 */
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { ALERTS_DATASET, type Bilingual } from '../control.ts';
import { sha256Hex } from '../records/digest.ts';
import type { DecodedRecord } from '../records/record.ts';

export type Severity = 'minor' | 'moderate' | 'severe' | 'extreme';
/** From the least to the worst. */
export const SEVERITIES: readonly Severity[] = ['minor', 'moderate', 'severe', 'extreme'];

/** What was read, by the name of the property, value or window. */
export interface AlertValues {
  readonly [name: string]: number | string | boolean;
}

interface TransitionBase {
  readonly v: 1;
  /** 32 lower-case hex digits: the same inputs under the same contract always give the same id. */
  readonly alert: string;
  /** Event time of the transition, epoch ms. For a person's act: when it was done. */
  readonly at: number;
}

interface EffectBase extends TransitionBase {
  /** Number of the effect within its alert: 0 is the raise. */
  readonly n: number;
  readonly contract: string;
  /** Of the subject: in its name the record is written. */
  readonly agency: string;
  /** Journal positions of the records that began and completed it. */
  readonly evidence: readonly number[];
}

export interface AlertRaised extends EffectBase {
  readonly type: 'raise';
  /** Version hash of the contract. */
  readonly version: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly dataset: string;
  /** What the alert is about: a producer; `region:…`, `agency:…` or `all` for a rule over several. */
  readonly subject: string;
  /** Event time at which the condition began to hold. */
  readonly since: number;
  readonly values: AlertValues;
  readonly message: Bilingual;
  /** Channels to be told, by name. */
  readonly notify?: readonly string[];
  /** How many different people must approve before it counts; absent: none. */
  readonly approvals?: number;
  /** The group alert it belongs to: people are told of that one alone. */
  readonly group?: string;
  /** Why it is raised suppressed: ids of active alerts, or OUT_OF_SERVICE. */
  readonly suppressedBy?: readonly string[];
  /** Epoch ms; when nothing has confirmed it until then, it is cleared. */
  readonly expires?: number;
  /** Data that came late show that it was due: it was not raised at the time. */
  readonly hindsight?: true;
}

/** The same alert at another severity, flapping or not any more, or a group with other members. */
export interface AlertUpdated extends EffectBase {
  readonly type: 'update';
  readonly severity: Severity;
  /** Event time at which the condition of this severity began to hold. */
  readonly since: number;
  readonly values: AlertValues;
  readonly message: Bilingual;
  readonly notify?: readonly string[];
  /** As in the raise, from this time on. */
  readonly expires?: number;
  /** Raised and cleared too often in a short time: it is held active. */
  readonly flapping?: boolean;
  /** Of a group: how many are active now, and which came and went since the last update. */
  readonly members?: { readonly count: number; readonly added: readonly string[]; readonly removed: readonly string[] };
}

export interface AlertCleared extends EffectBase {
  readonly type: 'clear';
  readonly values: AlertValues;
  /** Absent: the condition to clear was met. */
  readonly reason?: 'expired' | 'rule-gone' | 'group-empty' | 'group-closed';
}

/** What became of an alert, seen from the end. */
export interface AlertOutcome {
  readonly since: number;
  readonly raisedAt: number;
  /** Severity from each of these event times on; the first is that of the raise. */
  readonly severities: readonly { readonly at: number; readonly severity: Severity }[];
  readonly clearedAt: number | null;
}

/**
 * Late data or a revised reading change what an alert should have been. `at` is the event time of that reading; its record
 * is among the evidence.
 */
export interface AlertCorrected extends EffectBase {
  readonly type: 'correct';
  /** null: it should never have been raised. */
  readonly outcome: AlertOutcome | null;
  readonly values: AlertValues;
}

/** Nobody acknowledged in time. `at` is the time of the tick. */
export interface AlertEscalated extends EffectBase {
  readonly type: 'escalate';
  /** From 1. */
  readonly step: number;
  readonly severity: Severity;
  readonly notify: readonly string[];
}

/** Something else explains the alert, or its rule is out of service: it stays visible, nobody is told of it. */
export interface AlertSuppressed extends EffectBase {
  readonly type: 'suppress';
  /** The id of an active alert, or OUT_OF_SERVICE. */
  readonly by: string;
}
export interface AlertUnsuppressed extends EffectBase {
  readonly type: 'unsuppress';
  readonly by: string;
}

/** The time for which it was shelved is over. */
export interface AlertShelfEnded extends EffectBase {
  readonly type: 'shelf-end';
}

/** What a contract may cause. */
export type AlertEffect =
  | AlertRaised
  | AlertUpdated
  | AlertCleared
  | AlertCorrected
  | AlertEscalated
  | AlertSuppressed
  | AlertUnsuppressed
  | AlertShelfEnded;

/** A person's acts: who did it is on record. */
interface ActBase extends TransitionBase {
  /** Name of the account. */
  readonly by: string;
}
export interface AlertAcknowledged extends ActBase {
  readonly type: 'acknowledge';
  readonly comment: string;
}
/** Put aside for a time, with the reason; it stays visible. */
export interface AlertShelved extends ActBase {
  readonly type: 'shelve';
  /** Epoch ms. */
  readonly until: number;
  readonly reason: string;
}
export interface AlertUnshelved extends ActBase {
  readonly type: 'unshelve';
}
/** Cleared by a person. The rule raises again only after its condition has not held in between. */
export interface AlertClosed extends ActBase {
  readonly type: 'close';
  readonly reason: string;
}
export interface AlertAssigned extends ActBase {
  readonly type: 'assign';
  /** Name of an account; empty: nobody any more. */
  readonly to: string;
}
export interface AlertCommented extends ActBase {
  readonly type: 'comment';
  readonly text: string;
}
/** One of the people whose approval the contract demands. The same person's second approval does not count. */
export interface AlertApproved extends ActBase {
  readonly type: 'approve';
}

/**
 * A rule taken out of service, or back: for one subject or all. `alert` is serviceId(): there is no such alert, the acts
 * about one rule and subject belong together.
 */
interface ServiceAct extends ActBase {
  readonly contract: string;
  /** null: all rules of the contract. */
  readonly rule: string | null;
  /** null: all subjects. */
  readonly subject: string | null;
  readonly reason: string;
}
export interface OutOfService extends ServiceAct {
  readonly type: 'out-of-service';
  /** Epoch ms; null: until it is returned. */
  readonly until: number | null;
}
export interface ReturnedToService extends ServiceAct {
  readonly type: 'return-to-service';
}

export type AlertAct =
  | AlertAcknowledged
  | AlertShelved
  | AlertUnshelved
  | AlertClosed
  | AlertAssigned
  | AlertCommented
  | AlertApproved
  | OutOfService
  | ReturnedToService;
export type AlertTransition = AlertEffect | AlertAct;

const EFFECT_TYPES: ReadonlySet<AlertTransition['type']> = new Set<AlertEffect['type']>([
  'raise',
  'update',
  'clear',
  'correct',
  'escalate',
  'suppress',
  'unsuppress',
  'shelf-end',
]);

/** True of what a contract causes, false of what a person does. */
export function isEffect(transition: AlertTransition): transition is AlertEffect {
  return EFFECT_TYPES.has(transition.type);
}

/** In `by` of a suppression: the rule is out of service. */
export const OUT_OF_SERVICE = 'out-of-service';

/**
 * Alerts that the platform raises itself, without a contract, are recorded under this name. No contract can have it: it
 * begins like the control datasets.
 */
export const LEDGER_FORK_ALERT = 'sys.ledger-fork';
/** What the running audit has found (docs/reference/audit.md). */
export const AUDIT_ALERT = 'sys.audit';
/** For a while nothing could be stored (docs/reference/limits.md). */
export const STORAGE_ALERT = 'sys.storage';

/** The id under which acts about the service of a rule are recorded. */
export function serviceId({ contract, rule, subject }: Pick<ServiceAct, 'contract' | 'rule' | 'subject'>): string {
  return sha256Hex(new TextEncoder().encode(canonicalJson({ service: { contract, rule, subject } }))).slice(0, 32);
}

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

/**
 * The record identity of a transition: one that is written again is a repeat, not a second one. Effects are numbered; an
 * act is named by its time and its person.
 */
export function transitionMessageId(transition: AlertTransition): string {
  const { alert, type } = transition;
  return isEffect(transition) ? `id:${alert}.${type}.${transition.n}` : `id:${alert}.${type}.${transition.at}.${transition.by}`;
}
