/** Which message, if any, a transition of an alert becomes on a channel, and when. */
import {
  type AlertItem,
  type AlertTransition,
  type ChannelRecord,
  isEffect,
  isGroupSubject,
  SEVERITIES,
  type Severity,
} from '@airtight/protocol';
import type { AlertMessageKind } from './alert-message.ts';
import type { Message } from './outbox.ts';

/**
 * Nobody is told of what is older: neither after a rebuild nor of imported history. Longer than the whole retry schedule takes
 * a journal to come back.
 */
export const HISTORY_AGE_MS = 24 * 3_600_000;
/**
 * A group changes with each member that joins or leaves, in a storm at every tick: after a message its next update waits so long,
 * and tells what is then. What becomes worse, escalates or ends is told at once.
 */
export const GROUP_UPDATE_EVERY_MS = 5 * 60_000;

export interface ChannelHistory {
  /** Last message of the alert that was put on its way here and stands; undefined: none. */
  readonly last: Pick<Message, 'kind' | 'position' | 'sentAt'> | undefined;
  /** A contract has named this channel for the alert. */
  readonly isNamed: boolean;
}

/** Channels that the contract names in this transition. */
export function namedIn(transition: AlertTransition): readonly string[] {
  return 'notify' in transition ? (transition.notify ?? []) : [];
}

/** True for what is too old to be news. @param nowMs epoch ms */
export function isHistory(transition: AlertTransition, receivedAt: number, nowMs: number): boolean {
  // What a correction changes may be long ago; its record is the news.
  const happened = transition.type === 'correct' ? receivedAt : Math.min(transition.at, receivedAt);
  return nowMs - happened > HISTORY_AGE_MS;
}

/** Nobody is told of it as it stands: suppressed, shelved, not approved yet, or part of a group, whose own alert is told. */
export function isQuiet({ suppressedBy, shelvedUntil, approvedBy, approvals, group }: AlertItem): boolean {
  return suppressedBy.length > 0 || shelvedUntil !== null || approvedBy.length < approvals || group !== null;
}

/** True when the alert has ended, or was none. */
export function isOver({ clearedAt, retracted }: AlertItem): boolean {
  return clearedAt !== null || retracted;
}

/** True when the last message of an alert on a channel says that it holds. */
export function isOpenHere(last: ChannelHistory['last']): boolean {
  return last?.kind === 'alert' || last?.kind === 'update';
}

/**
 * @param item the alert after the transition
 * @param places names of the alert's place (alert-place.ts)
 * @param isConfidential the alert is about a confidential dataset
 */
export function messageKindFor(
  channel: ChannelRecord,
  transition: AlertTransition,
  item: AlertItem,
  { last, isNamed }: ChannelHistory,
  { places, isConfidential }: { readonly places: readonly string[]; readonly isConfidential: boolean },
): Exclude<AlertMessageKind, 'test'> | undefined {
  if (channel.removed || (isConfidential && !channel.confidential)) return undefined;
  // Who was told of it is told its end, also when it ends on the shelf.
  if (isOver(item)) return isOpenHere(last) ? 'cancel' : undefined;
  if (isQuiet(item)) return undefined;
  if (isOpenHere(last)) return isNewSince(item, last?.position ?? null, transition) ? 'update' : undefined;
  if (!isEffect(transition) && transition.type !== 'approve' && transition.type !== 'unshelve') return undefined;
  return isNamed || (!channel.namedOnly && fits(channel, item, places)) ? 'alert' : undefined;
}

/** @returns epoch ms at which an update of a group is due, where it has to wait; undefined: at once */
export function waitsUntil(
  kind: AlertMessageKind,
  transition: AlertTransition,
  item: AlertItem,
  last: ChannelHistory['last'],
  receivedAt: number,
): number | undefined {
  if (kind !== 'update' || transition.type !== 'update' || !isGroupSubject(item.subject) || last === undefined) return undefined;
  const due = last.sentAt + GROUP_UPDATE_EVERY_MS;
  return due <= receivedAt || isWorse(item, last.position) ? undefined : due;
}

const NEWS: ReadonlySet<string> = new Set<AlertTransition['type']>(['update', 'correct', 'escalate']);
const ENDS_QUIET: ReadonlySet<string> = new Set<AlertTransition['type']>(['unshelve', 'shelf-end', 'unsuppress']);

/** What changed while nobody was to be told is told when that is over. */
function isNewSince({ timeline }: AlertItem, position: number | null, { type }: AlertTransition): boolean {
  if (NEWS.has(type)) return true;
  return ENDS_QUIET.has(type) && timeline.some((entry) => NEWS.has(entry.type) && Number(entry.record) > (position ?? 0));
}

function isWorse({ severity, timeline }: AlertItem, position: number | null): boolean {
  const told = timeline.findLast((entry) => entry.severity !== undefined && Number(entry.record) <= (position ?? 0));
  return told === undefined || SEVERITIES.indexOf(severity as Severity) > SEVERITIES.indexOf(told.severity as Severity);
}

function fits({ filter }: ChannelRecord, item: AlertItem, places: readonly string[]): boolean {
  const { severities, contracts, agencies, datasets, regions } = filter;
  const isIn = (list: readonly string[] | undefined, name: string) => list === undefined || list.includes(name);
  return (
    isIn(severities, item.severity) &&
    isIn(contracts, item.contract) &&
    isIn(agencies, item.agency) &&
    isIn(datasets, item.dataset) &&
    (regions === undefined || regions.some((region) => places.includes(region)))
  );
}
