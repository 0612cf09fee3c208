/** What the alert lists show and in which order. */
import type { AlertItem } from '@airtight/protocol';

const SEVERITY_RANK: { readonly [severity: string]: number } = { extreme: 3, severe: 2, moderate: 1, minor: 0 };

/** Open: someone still has to look at it, or it still holds. */
export function isOpen(item: AlertItem): boolean {
  return item.state !== 'closed';
}

/** Nobody has acknowledged it yet, whether or not it still holds. */
export function isUnacknowledged(item: AlertItem): boolean {
  return item.state === 'unacknowledged' || item.state === 'returned';
}

/** Still holds. */
export function isActive(item: AlertItem): boolean {
  return item.state !== 'closed' && item.state !== 'returned';
}

/** Somebody has to do something: acknowledge or approve it. */
function isWaiting(item: AlertItem): boolean {
  return isUnacknowledged(item) || item.state === 'proposed';
}

/** What waits for somebody first, then by severity, then the longest first. */
export function byNeed(a: AlertItem, b: AlertItem): number {
  return (
    Number(isWaiting(b)) - Number(isWaiting(a)) ||
    (SEVERITY_RANK[b.severity] ?? 0) - (SEVERITY_RANK[a.severity] ?? 0) ||
    a.since.localeCompare(b.since) ||
    a.alert.localeCompare(b.alert)
  );
}

/** Newest first. */
export function byRaised(a: AlertItem, b: AlertItem): number {
  return b.raisedAt.localeCompare(a.raisedAt) || a.alert.localeCompare(b.alert);
}
