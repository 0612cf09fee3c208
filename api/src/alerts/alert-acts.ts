/** People's acts on alerts: judged by how the alert stands, put on record by the one way in, answered when they are folded. */
import {
  AirtightError,
  ALERTS_DATASET,
  type AlertAct,
  type AlertItem,
  actRefusal,
  foldAlert,
  type OutOfService,
  type ReturnedToService,
  SHELVE_MAX_MS,
  transitionMessageId,
} from '@airtight/protocol';
import { requireReadable } from '../accounts/confidential.ts';
import type { Identity } from '../accounts/identity.ts';
import { type AlertBook, alertById } from '../project/alert-book.ts';
import type { RouteContext } from '../routes/context.ts';
import { whenFolded } from '../routes/read-your-write.ts';
import { ActTurns } from './act-turns.ts';
import { RecentActs } from './recent-acts.ts';

type ActOnAlert = Exclude<AlertAct, OutOfService | ReturnedToService>;
type Drafted<T> = T extends unknown ? Omit<T, 'v' | 'alert' | 'at' | 'by'> : never;
/** An act without who, when and on which alert. */
export type ActDraft = Drafted<ActOnAlert>;

export type ActsContext = Pick<RouteContext, 'alerts' | 'store' | 'ingest' | 'fold' | 'control'>;

export class AlertActs {
  readonly #context: ActsContext;
  readonly #now: () => number;
  readonly #turns = new ActTurns();
  readonly #recent = new RecentActs();

  constructor(context: ActsContext, now: () => number = Date.now) {
    this.#context = context;
    this.#now = now;
  }

  /**
   * Puts an act on record, unless the alert does not allow it as it stands. Of two people who act at once the first wins, and
   * the other is refused with what the first has done.
   * @param key idempotency key
   * @returns the alert after it
   * @throws AirtightError NOT_FOUND; ALERT_NOT_OPEN, ALERT_STATE_UNFIT, ALERT_TALK_FULL; SHELF_END_INVALID; ASSIGNEE_UNKNOWN;
   *   PERSON_REQUIRED; OVERLOADED; IDEMPOTENCY_KEY_REUSED
   */
  perform(alert: string, identity: Identity, draft: ActDraft, key?: string): Promise<AlertItem> {
    const by = identity.name as string;
    const request = JSON.stringify([alert, draft]);
    // An API token is no second person: whoever made it may hold it.
    if (draft.type === 'approve' && identity.session === undefined) throw new AirtightError('PERSON_REQUIRED', by);
    this.#check(draft);
    return this.#turns.run(alert, async () => {
      const item = await findAlert(this.#context, alert);
      requireReadable(identity, item.dataset, this.#context.control.datasets);
      if (this.#recent.isRepeat(by, key, request)) return item;
      const refusal = actRefusal(item, draft.type, by);
      if (refusal !== undefined) throw new AirtightError(refusal.code, refusal.detail);
      const done = await this.#write(item, { v: 1, alert, at: this.#now(), by, ...draft });
      this.#recent.remember(by, key, request);
      return done;
    });
  }

  #check(draft: ActDraft): void {
    if (draft.type === 'shelve') {
      const forMs = draft.until - this.#now();
      if (forMs <= 0 || forMs > SHELVE_MAX_MS) throw new AirtightError('SHELF_END_INVALID', new Date(draft.until).toISOString());
    }
    if (draft.type === 'assign' && draft.to !== '' && !assignees(this.#context).includes(draft.to))
      throw new AirtightError('ASSIGNEE_UNKNOWN', draft.to);
  }

  async #write(item: AlertItem, act: ActOnAlert): Promise<AlertItem> {
    const { ingest, fold, alerts } = this.#context;
    const { agency, contract } = item;
    const messageId = transitionMessageId(act);
    const [written] = await ingest.writeRecords([{ agency, dataset: ALERTS_DATASET, producer: contract, messageId, payload: act }]);
    if (written === undefined) throw new Error('ingest answered no position');
    await whenFolded(fold, written.position);
    // The fold may not have come to it yet, or may not keep the alert in memory.
    const known = alerts.find(act.alert) ?? item;
    return foldAlert(known, act, written.position) as AlertItem;
  }
}

/** Accounts that may act on alerts. */
export function assignees({ control }: Pick<RouteContext, 'control'>): string[] {
  return [...control.users.values()]
    .filter(({ role, disabled }) => role !== 'viewer' && !disabled)
    .map(({ name }) => name)
    .sort();
}

/** @throws AirtightError NOT_FOUND */
export async function findAlert(
  { alerts, store }: { readonly alerts: Pick<AlertBook, 'find'>; readonly store: RouteContext['store'] },
  id: string,
): Promise<AlertItem> {
  const item = alerts.find(id) ?? (await alertById(store, id));
  if (item === undefined) throw new AirtightError('NOT_FOUND', `alert ${id}`);
  return item;
}
