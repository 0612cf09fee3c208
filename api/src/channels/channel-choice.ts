/** Which message, if any, a transition of an alert becomes on a channel. */
import { type AlertItem, type AlertTransition, type ChannelRecord, isEffect } from '@airtight/protocol';
import type { AlertMessageKind, MessageKind } from './alert-message.ts';

/**
 * Nobody is told of what is older: neither after a rebuild nor of imported history. Longer than the whole retry schedule takes
 * a journal to come back.
 */
export const HISTORY_AGE_MS = 24 * 3_600_000;

export interface ChannelHistory {
  /** Last message of the alert that was put on its way here; undefined: none. */
  readonly last: MessageKind | undefined;
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

/**
 * @param item the alert after the transition
 * @param places names of the alert's place (alert-message.ts)
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
  const isOver = item.clearedAt !== null || item.retracted;
  const isOpenHere = last === 'alert' || last === 'update';
  if (isOver) return isOpenHere ? 'cancel' : undefined;
  // Of a suppressed, unapproved or grouped alert nobody is told; once told of it, they are told its end.
  if (item.suppressedBy.length > 0 || item.approvedBy.length < item.approvals || item.group !== null) return undefined;
  if (isOpenHere) return changesWhatIsTold(transition) ? 'update' : undefined;
  if (!isEffect(transition) && transition.type !== 'approve') return undefined;
  return isNamed || (!channel.namedOnly && fits(channel, item, places)) ? 'alert' : undefined;
}

function changesWhatIsTold({ type }: AlertTransition): boolean {
  return type === 'update' || type === 'correct' || type === 'escalate';
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
