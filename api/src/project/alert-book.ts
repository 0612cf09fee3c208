/** Alerts put together from their transitions: those that are open in memory, any of them from the table. */
import { type AlertItem, type AlertTransition, foldAlert } from '@airtight/protocol';
import { quoteText, wholeLiteral } from '../query/literal.ts';
import { DATABASE } from './schema.ts';
import { BULK_TIMEOUT_MS, type Row, type Store } from './store.ts';

interface TransitionAt {
  readonly position: number;
  readonly transition: AlertTransition;
}

/** Alerts that are over stay at hand until the table surely has their end; a person sees her own act at once. */
const CLOSED_KEPT = 1000;
/**
 * Alerts that returned and that nobody has acknowledged stay in the open list; of a network that nobody looks after only the
 * newest do. The others are in the table as they stand.
 */
export const RETURNED_KEPT = 5000;

/** Alerts that late data have changed after they were over and no longer in memory, until somebody asks for the open ones. */
const REVISED_MAX = 1000;

export class AlertBook {
  readonly #open = new Map<string, AlertItem>();
  /** Of the open ones, those that returned: oldest first. */
  readonly #returned = new Set<string>();
  /** Oldest first. */
  readonly #closed = new Map<string, AlertItem>();
  /** Not in memory, and changed by late data: newest position of each. Oldest first. */
  readonly #revised = new Map<string, number>();
  readonly #returnedKept: number;
  #through = -1;

  constructor(returnedKept = RETURNED_KEPT) {
    this.#returnedKept = returnedKept;
  }

  /** Loads the alerts that are not over. @param through highest position in the table */
  async load(store: Pick<Store, 'query'>, through: number): Promise<void> {
    // Surely over; the fold tells of the others, and a correction may open an alert again.
    const over = `countIf(type IN ('clear', 'close')) > 0 AND countIf(type IN ('acknowledge', 'close')) > 0 AND countIf(type = 'correct') = 0`;
    const returned = `countIf(type = 'clear') > 0 AND countIf(type = 'correct') = 0`;
    // What was part of a group closes with its condition.
    const single = `countIf(type = 'raise' AND position(payload, '"group":') > 0) = 0`;
    const grouped = `FROM ${DATABASE}.alerts GROUP BY alert HAVING countIf(type = 'raise') > 0 AND NOT (${over})`;
    const rows = await store.query(
      `SELECT position, payload FROM ${DATABASE}.alerts
       WHERE alert IN (SELECT alert ${grouped} AND NOT (${returned}))
       OR alert IN (SELECT alert ${grouped} AND ${returned} AND ${single} ORDER BY max(position) DESC LIMIT ${this.#returnedKept})
       ORDER BY position`,
      'bulk',
      BULK_TIMEOUT_MS,
    );
    for (const row of rows) this.#apply(transitionOf(row));
    this.#through = through;
  }

  /** Takes the next transition; one at or before what was loaded is known already. */
  take(transition: TransitionAt): void {
    if (transition.position <= this.#through) return;
    this.#through = transition.position;
    this.#apply(transition);
  }

  /** Number of alerts that are not over. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Open alerts, newest raise first. */
  open(): AlertItem[] {
    return [...this.#open.values()].sort(byRaise);
  }

  find(alert: string): AlertItem | undefined {
    return this.#open.get(alert) ?? this.#closed.get(alert);
  }

  /** Open alerts of a group. @param group id of its own alert */
  membersOf(group: string): AlertItem[] {
    return [...this.#open.values()].filter((item) => item.group === group);
  }

  /** Takes in, from the table, what late data may have opened again. What the table does not have yet comes the next time. */
  async recover(store: Pick<Store, 'query'>): Promise<void> {
    for (const id of [...this.#revised.keys()]) {
      const item = await alertById(store, id);
      if (item === undefined || Number(item.timeline.at(-1)?.record) < (this.#revised.get(id) ?? Number.POSITIVE_INFINITY)) continue;
      this.#revised.delete(id);
      this.#put(item);
    }
  }

  #apply({ transition, position }: TransitionAt): void {
    const id = transition.alert;
    const item = foldAlert(this.find(id), transition, position);
    if (item !== undefined) this.#put(item);
    else if (transition.type === 'correct' || this.#revised.has(id)) {
      this.#revised.set(id, position);
      forgetOldest(this.#revised, REVISED_MAX);
    }
  }

  #put(item: AlertItem): void {
    const id = item.alert;
    this.#closed.delete(id);
    if (item.state === 'closed') {
      this.#open.delete(id);
      this.#closed.set(id, item);
      forgetOldest(this.#closed, CLOSED_KEPT);
    } else this.#open.set(id, item);
    if (item.state !== 'returned') this.#returned.delete(id);
    else this.#returned.add(id);
    const forgotten = forgetOldest(this.#returned, this.#returnedKept);
    if (forgotten !== undefined) this.#open.delete(forgotten);
  }
}

/** Takes the oldest out when there are more than may be kept; @returns it */
function forgetOldest(kept: Map<string, unknown> | Set<string>, max: number): string | undefined {
  const oldest = kept.size > max ? kept.keys().next().value : undefined;
  if (oldest !== undefined) kept.delete(oldest);
  return oldest;
}

/** Journal position of the raise: the order of the lists, and their cursor. */
export function raisedPosition({ timeline }: AlertItem): number {
  return Number(timeline[0]?.record);
}

function byRaise(a: AlertItem, b: AlertItem): number {
  return raisedPosition(b) - raisedPosition(a);
}

/** Alerts raised before a position, newest first, with all that followed. */
export async function alertsBefore(store: Pick<Store, 'query'>, before: number | undefined, limit: number): Promise<AlertItem[]> {
  const below = before === undefined ? '' : `AND position < ${wholeLiteral(before)}`;
  const raised = `SELECT alert FROM ${DATABASE}.alerts WHERE type = 'raise' ${below} ORDER BY position DESC LIMIT ${wholeLiteral(limit)}`;
  return alertsWhere(store, `alert IN (${raised})`);
}

/** One alert from the table. */
export async function alertById(store: Pick<Store, 'query'>, alert: string): Promise<AlertItem | undefined> {
  return (await alertsWhere(store, `alert = ${quoteText(alert)}`))[0];
}

async function alertsWhere(store: Pick<Store, 'query'>, condition: string): Promise<AlertItem[]> {
  const rows = await store.query(`SELECT position, payload FROM ${DATABASE}.alerts WHERE ${condition} ORDER BY position`);
  const alerts = new Map<string, AlertItem>();
  for (const { transition, position } of rows.map(transitionOf)) {
    const item = foldAlert(alerts.get(transition.alert), transition, position);
    if (item !== undefined) alerts.set(transition.alert, item);
  }
  return [...alerts.values()].sort(byRaise);
}

export function transitionOf(row: Row): TransitionAt {
  const [position, payload] = row as [number, string];
  return { position, transition: JSON.parse(payload) as AlertTransition };
}
