/** The lists of the alerts screen. What is put aside or explained by something else has a list of its own, with its count. */
import { type AlertItem, isGroupSubject } from '@airtight/protocol';
import { isUnacknowledged } from './alert-order.ts';

export const LISTS = ['open', 'mine', 'unacknowledged', 'shelved', 'suppressed', 'out-of-service', 'regions', 'all'] as const;
export type ListName = (typeof LISTS)[number];

/** Raised within ten minutes: more than an operator can take in (ISA-18.2, 16.5: above ten it is a flood). */
export const FLOOD_WINDOW_MS = 600_000;
export const FLOOD_FROM = 10;

const ASIDE: readonly AlertItem['state'][] = ['shelved', 'suppressed', 'out-of-service', 'closed'];

/** Alert of a group, of which people are told instead of its members. */
export function isGroup({ subject }: Pick<AlertItem, 'subject'>): boolean {
  return isGroupSubject(subject);
}

/**
 * @param isKnown whether an alert is on this screen: the member of a group that is not must not be lost
 * @param me account name, null for a visitor
 */
export function isInList(list: ListName, item: AlertItem, isKnown: (alert: string) => boolean, me: string | null): boolean {
  if (list === 'all') return true;
  // Alerts of other regions are none of these (use-region-alerts.ts).
  if (list === 'regions') return false;
  if (list === 'mine')
    return item.state !== 'closed' && me !== null && (item.assignedTo === me || (item.assignedTo === null && item.acknowledgedBy === me));
  const isToldByGroup = item.group !== null && isKnown(item.group);
  if (list === 'unacknowledged') return isUnacknowledged(item) && !isToldByGroup;
  if (list === 'open') return !ASIDE.includes(item.state) && !isToldByGroup;
  return item.state === list;
}

/** How many wait for somebody to acknowledge them, as in the list of that name. */
export function unacknowledgedCount(alerts: ReadonlyMap<string, AlertItem>): number {
  let count = 0;
  for (const item of alerts.values()) if (isInList('unacknowledged', item, (id) => alerts.has(id), null)) count++;
  return count;
}

/** How many members of a group are active. */
export function memberCount(items: Iterable<AlertItem>, group: string): number {
  let count = 0;
  for (const item of items) if (item.group === group && item.clearedAt === null && !item.retracted) count++;
  return count;
}

/** How many alerts were raised in the last ten minutes, members of groups left out. @param now epoch ms */
export function recentlyRaised(items: Iterable<AlertItem>, now: number): number {
  const from = new Date(now - FLOOD_WINDOW_MS).toISOString();
  let count = 0;
  for (const item of items) if (item.raisedAt >= from && item.group === null) count++;
  return count;
}
