/** What alerts have come to, put together from effects as anybody would who reads the records. */
import { type AlertEffect, type AlertItem, foldAlert } from '@airtight/protocol';

export interface Outcome {
  readonly subject: string;
  readonly since: number;
  readonly raisedAt: number;
  readonly severity: string;
  readonly clearedAt: number | null;
}

/** Alerts as they stand after all, without those that were retracted, in order of subject and time. */
export function outcomesOf(effects: readonly AlertEffect[]): Outcome[] {
  const items = new Map<string, AlertItem>();
  for (const [position, effect] of effects.entries()) {
    const item = foldAlert(items.get(effect.alert), effect, position);
    if (item === undefined) throw new Error(`an effect of no alert: ${JSON.stringify(effect)}`);
    items.set(effect.alert, item);
  }
  return [...items.values()]
    .filter(({ retracted }) => !retracted)
    .map(({ subject, since, raisedAt, severity, clearedAt }) => ({
      ...{ subject, severity, since: Date.parse(since), raisedAt: Date.parse(raisedAt) },
      clearedAt: clearedAt === null ? null : Date.parse(clearedAt),
    }))
    .sort((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : a.raisedAt - b.raisedAt));
}
