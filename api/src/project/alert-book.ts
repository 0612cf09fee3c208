/** Alerts put together from their transitions: those that are open in memory, any of them from the table. */
import { type AlertItem, type AlertRaised, type AlertTransition, foldAlert } from '@airtight/protocol';
import { quoteText, wholeLiteral } from '../query/literal.ts';
import { DATABASE } from './schema.ts';
import { BULK_TIMEOUT_MS, type Row, type Store } from './store.ts';

interface TransitionAt {
  readonly position: number;
  readonly transition: AlertTransition;
}

/** One alert: its raise first, then what followed, in order of position. */
export interface Alert {
  readonly raise: AlertRaised;
  readonly raisedPosition: number;
  readonly transitions: TransitionAt[];
}

/** Alerts that are over stay at hand until the table surely has their end; a person sees her own acknowledgement at once. */
const CLOSED_KEPT = 1000;

export class AlertBook {
  readonly #open = new Map<string, Alert>();
  /** Oldest first. */
  readonly #closed = new Map<string, Alert>();
  #through = -1;

  /** Loads the alerts that are not over. @param through highest position in the table */
  async load(store: Pick<Store, 'query'>, through: number): Promise<void> {
    // Surely over; the fold tells of the others, and a correction may open an alert again.
    const over = `countIf(type IN ('clear', 'close')) > 0 AND countIf(type IN ('acknowledge', 'close')) > 0 AND countIf(type = 'correct') = 0`;
    const rows = await store.query(
      `SELECT position, payload FROM ${DATABASE}.alerts
       WHERE alert IN (SELECT alert FROM ${DATABASE}.alerts GROUP BY alert HAVING NOT (${over})) ORDER BY position`,
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
  open(): Alert[] {
    return [...this.#open.values()].sort((a, b) => b.raisedPosition - a.raisedPosition);
  }

  find(alert: string): Alert | undefined {
    return this.#open.get(alert) ?? this.#closed.get(alert);
  }

  #apply(at: TransitionAt): void {
    const id = at.transition.alert;
    const closed = this.#closed.get(id);
    if (closed !== undefined) this.#open.set(id, closed);
    const alert = applyTransition(this.#open, at);
    this.#closed.delete(id);
    if (alert === undefined || stateOf(alert) !== 'closed') return;
    this.#open.delete(id);
    this.#closed.set(id, alert);
    const oldest = this.#closed.keys().next().value;
    if (this.#closed.size > CLOSED_KEPT && oldest !== undefined) this.#closed.delete(oldest);
  }
}

/** Alerts raised before a position, newest first, with all that followed. */
export async function alertsBefore(store: Pick<Store, 'query'>, before: number | undefined, limit: number): Promise<Alert[]> {
  const below = before === undefined ? '' : `AND position < ${wholeLiteral(before)}`;
  const raised = `SELECT alert FROM ${DATABASE}.alerts WHERE type = 'raise' ${below} ORDER BY position DESC LIMIT ${wholeLiteral(limit)}`;
  return alertsWhere(store, `alert IN (${raised})`);
}

/** One alert from the table. */
export async function alertById(store: Pick<Store, 'query'>, alert: string): Promise<Alert | undefined> {
  return (await alertsWhere(store, `alert = ${quoteText(alert)}`))[0];
}

async function alertsWhere(store: Pick<Store, 'query'>, condition: string): Promise<Alert[]> {
  const rows = await store.query(`SELECT position, payload FROM ${DATABASE}.alerts WHERE ${condition} ORDER BY position`);
  const alerts = new Map<string, Alert>();
  for (const row of rows) applyTransition(alerts, transitionOf(row));
  return [...alerts.values()].sort((a, b) => b.raisedPosition - a.raisedPosition);
}

function applyTransition(alerts: Map<string, Alert>, at: TransitionAt): Alert | undefined {
  const { transition, position } = at;
  const known = alerts.get(transition.alert);
  if (known === undefined) {
    if (transition.type !== 'raise') return undefined;
    const alert: Alert = { raise: transition, raisedPosition: position, transitions: [at] };
    alerts.set(transition.alert, alert);
    return alert;
  }
  known.transitions.push(at);
  return known;
}

function transitionOf(row: Row): TransitionAt {
  const [position, payload] = row as [number, string];
  return { position, transition: JSON.parse(payload) as AlertTransition };
}

export function stateOf(alert: Alert): AlertItem['state'] {
  return alertItemOf(alert).state;
}

/** The alert as the API shows it. */
export function alertItemOf({ transitions }: Alert): AlertItem {
  let item: AlertItem | undefined;
  for (const { transition, position } of transitions) item = foldAlert(item, transition, position);
  return item as AlertItem;
}
