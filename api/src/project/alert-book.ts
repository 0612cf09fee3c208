/** Alerts put together from their transitions: those that are open in memory, any of them from the table. */
import { type AlertItem, type AlertRaised, type AlertTransition, alertStateOf } from '@airtight/protocol';
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
    const over = `countIf(type = 'clear') > 0 AND countIf(type = 'acknowledge') > 0`;
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
    const alert = applyTransition(this.#open, at);
    if (alert === undefined || stateOf(alert) !== 'closed') return;
    this.#open.delete(alert.raise.alert);
    this.#closed.set(alert.raise.alert, alert);
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

export function stateOf({ transitions }: Alert): AlertItem['state'] {
  const cleared = transitions.some(({ transition }) => transition.type === 'clear');
  const acknowledged = transitions.some(({ transition }) => transition.type === 'acknowledge');
  return alertStateOf({ cleared, acknowledged });
}

/** The alert as the API shows it. */
export function alertItemOf(alert: Alert): AlertItem {
  const { raise, transitions } = alert;
  const clear = transitions.find(({ transition }) => transition.type === 'clear');
  const acknowledge = transitions.map(({ transition }) => transition).find((transition) => transition.type === 'acknowledge');
  const evidence = transitions.flatMap(({ transition }) => (transition.type === 'acknowledge' ? [] : transition.evidence));
  return {
    alert: raise.alert,
    state: stateOf(alert),
    severity: raise.severity,
    contract: raise.contract,
    version: raise.version,
    rule: raise.rule,
    agency: raise.agency,
    dataset: raise.dataset,
    subject: raise.subject,
    message: raise.message,
    since: timeText(raise.since),
    raisedAt: timeText(raise.at),
    clearedAt: clear === undefined ? null : timeText(clear.transition.at),
    acknowledgedBy: acknowledge?.by ?? null,
    values: { ...raise.values },
    evidence: [...new Set(evidence)].map(String),
    timeline: transitions.map(({ position, transition }) => ({
      type: transition.type,
      at: timeText(transition.at),
      record: String(position),
      ...(transition.type === 'acknowledge' ? { by: transition.by, comment: transition.comment } : {}),
    })),
  };
}

function timeText(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
