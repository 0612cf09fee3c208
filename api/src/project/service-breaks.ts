/** Rules that people have taken out of service, as the journal has it so far. */
import type { AlertTransition, OutOfService, OutOfServiceItem } from '@airtight/protocol';
import { transitionOf } from './alert-book.ts';
import { DATABASE } from './schema.ts';
import { BULK_TIMEOUT_MS, type Store } from './store.ts';

/** Out of service at the same time: more than that is a contract to be changed, not a list to be kept. */
export const OUT_OF_SERVICE_MAX = 1000;

export class ServiceBreaks {
  readonly #entries = new Map<string, { readonly position: number; readonly act: OutOfService }>();
  #through = -1;

  /** Loads those that have not been returned. @param through highest position in the table */
  async load(store: Pick<Store, 'query'>, through: number): Promise<void> {
    const rows = await store.query(
      `SELECT max(position), argMax(payload, position) FROM ${DATABASE}.alerts WHERE type IN ('out-of-service', 'return-to-service')
       GROUP BY alert HAVING argMax(type, position) = 'out-of-service' ORDER BY max(position)`,
      'bulk',
      BULK_TIMEOUT_MS,
    );
    for (const row of rows) this.#apply(transitionOf(row));
    this.#through = through;
  }

  /** Takes the next transition; one at or before what was loaded is known already. */
  take(at: { readonly position: number; readonly transition: AlertTransition }): void {
    if (at.position <= this.#through) return;
    this.#through = at.position;
    this.#apply(at);
  }

  /** Time has passed, as a tick record says: what was out until now is in service again. */
  passTime(at: number): void {
    for (const [id, { act }] of this.#entries) if (act.until !== null && act.until <= at) this.#entries.delete(id);
  }

  get count(): number {
    return this.#entries.size;
  }

  find(id: string): OutOfServiceItem | undefined {
    const entry = this.#entries.get(id);
    return entry === undefined ? undefined : itemOf(entry);
  }

  /** Newest first. */
  list(): OutOfServiceItem[] {
    return [...this.#entries.values()].reverse().map(itemOf);
  }

  #apply({ position, transition }: { readonly position: number; readonly transition: AlertTransition }): void {
    if (transition.type !== 'out-of-service' && transition.type !== 'return-to-service') return;
    this.#entries.delete(transition.alert);
    if (transition.type === 'out-of-service') this.#entries.set(transition.alert, { position, act: transition });
  }
}

/** As the API shows it. */
export function itemOf({ position, act }: { readonly position: number; readonly act: OutOfService }): OutOfServiceItem {
  const { alert, contract, rule, subject, reason, by } = act;
  return {
    ...{ id: alert, contract, rule, subject, reason, by },
    since: new Date(act.at).toISOString(),
    until: act.until === null ? null : new Date(act.until).toISOString(),
    record: String(position),
  };
}
