/**
 * The present state of the deployment as this screen knows it: a snapshot over HTTP, then the stream on top of it.
 * One instance per page load; screens read it through `useLive()`.
 */
import {
  type AlertItem,
  type Dataset,
  foldAlert,
  type JudgedValue,
  type LatestItem,
  type LedgerStatus,
  type Producer,
  type StreamEvent,
  type SystemFault,
  type SystemStatus,
} from '@airtight/protocol';
import { computed, type InjectionKey, inject, type ShallowReactive, type ShallowRef, shallowReactive, shallowRef } from 'vue';
import { getJson } from '../http/http-client.ts';
import { getAll } from '../http/pages.ts';
import type { RequestProblem } from '../http/problem.ts';
import { type Connection, connectionOf, isCurrent } from './connection.ts';
import { initialStream, type StreamState } from './stream-core.ts';
import { StreamSocket } from './stream-socket.ts';

export type ObservationEvent = Extract<StreamEvent, { type: 'observation' }>;
/** Values that were sent before are judged otherwise now. */
export type QualityEvent = Extract<StreamEvent, { type: 'verdict' | 'flag' }>;

/** Alerts that are over are kept in memory up to this number; the inbox pages through the rest. */
const ALERTS_MAX = 2000;
/** The clock on the screen, ages and pill move this often. */
const CLOCK_MS = 1000;

export class LiveStore {
  readonly status: ShallowRef<SystemStatus | undefined> = shallowRef();
  /** What keeps the deployment from taking or proving readings. */
  readonly faults: ShallowRef<readonly SystemFault[]> = shallowRef([]);
  readonly ledger: ShallowRef<LedgerStatus | undefined> = shallowRef();
  /** Server clock at which this screen saw the ledger grow; undefined until it has. */
  readonly ledgerGrewAt: ShallowRef<number | undefined> = shallowRef();
  readonly producers: ShallowReactive<Map<string, Producer>> = shallowReactive(new Map());
  readonly datasets: ShallowReactive<Map<string, Dataset>> = shallowReactive(new Map());
  /** By `{dataset}/{producer}`. */
  readonly latest: ShallowReactive<Map<string, LatestItem>> = shallowReactive(new Map());
  readonly alerts: ShallowReactive<Map<string, AlertItem>> = shallowReactive(new Map());
  readonly loaded = shallowRef(false);
  readonly problem: ShallowRef<RequestProblem | null> = shallowRef(null);
  /** Grows when events were missed: whoever holds history fetches it anew. */
  readonly generation = shallowRef(0);
  readonly stream: ShallowRef<StreamState | null> = shallowRef(null);
  /** Epoch ms, this machine's clock. */
  readonly clock = shallowRef(Date.now());
  /** Epoch ms by the server's clock: ages do not depend on how this machine's clock is set. */
  readonly now = computed(() => this.clock.value + this.#offsetMs.value);
  readonly connection = computed<Connection>(() => connectionOf(this.stream.value, this.clock.value, this.#newestAt.value));
  readonly current = computed(() => isCurrent(this.connection.value));
  /** Epoch ms (server clock) up to which the numbers on the screen are current. */
  readonly asOf = computed(() => (this.current.value ? this.now.value : this.#heardAt()));

  readonly #offsetMs = shallowRef(0);
  readonly #newestAt: ShallowRef<number | null> = shallowRef(null);
  readonly #listeners = new Set<(event: ObservationEvent) => void>();
  readonly #qualityListeners = new Set<(event: QualityEvent) => void>();
  readonly #skipListeners = new Set<(producers: ReadonlySet<string>) => void>();
  readonly #alertListeners = new Set<(alert: AlertItem) => void>();
  #socket: StreamSocket | undefined;
  #refetching = false;
  #refetchWanted = false;

  /** Loads the snapshot, then opens the stream; on a failure tries again until it works. */
  async start(): Promise<void> {
    setInterval(() => {
      this.clock.value = Date.now();
    }, CLOCK_MS);
    while (!(await this.#snapshot())) await new Promise((resolve) => setTimeout(resolve, 2 * CLOCK_MS));
    const cursor = this.status.value?.projected ?? 0;
    this.#socket = new StreamSocket(initialStream(cursor, Date.now()), {
      state: (state) => {
        this.stream.value = state;
        this.clock.value = Date.now();
      },
      events: (events, skipped) => this.#apply(events, skipped),
      heartbeat: (...state) => this.#heartbeat(...state),
      refetch: () => void this.refetch(),
      head: async () => {
        const answer = await getJson<SystemStatus>('/status');
        return answer.ok ? answer.value.head : undefined;
      },
    });
  }

  /** Reconnect now instead of waiting for the planned retry. */
  retry(): void {
    this.#socket?.retry();
  }

  /** Fetches the present state anew: after a hole in the stream, after signing in. */
  async refetch(): Promise<void> {
    this.#refetchWanted = true;
    if (this.#refetching) return;
    this.#refetching = true;
    // What was missed while the answers were under way is not in them.
    while (this.#refetchWanted) {
      this.#refetchWanted = false;
      await this.#snapshot();
    }
    this.#refetching = false;
    this.generation.value++;
  }

  /** Calls back for every observation of the stream, in order; returns how to stop. */
  onObservation(listener: (event: ObservationEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back when readings have come in that the stream left out, with their producers as `{dataset}/{producer}`. */
  onSkipped(listener: (producers: ReadonlySet<string>) => void): () => void {
    this.#skipListeners.add(listener);
    return () => this.#skipListeners.delete(listener);
  }

  /** Calls back when values are judged otherwise than when they came. */
  onQuality(listener: (event: QualityEvent) => void): () => void {
    this.#qualityListeners.add(listener);
    return () => this.#qualityListeners.delete(listener);
  }

  /** Calls back for every newly raised alert. */
  onRaised(listener: (alert: AlertItem) => void): () => void {
    this.#alertListeners.add(listener);
    return () => this.#alertListeners.delete(listener);
  }

  /** Takes an alert as the API answered it (after an act, or paged in by the inbox). */
  putAlert(item: AlertItem): void {
    const known = this.alerts.get(item.alert);
    if (known === undefined || item.timeline.length >= known.timeline.length) this.alerts.set(item.alert, item);
  }

  async #snapshot(): Promise<boolean> {
    const status = await getJson<SystemStatus>('/status');
    if (!status.ok) return this.#failed(status.problem);
    this.#take(status.value);
    const [producers, datasets, latest, alerts] = await Promise.all([
      getAll<Producer>('/producers'),
      getAll<Dataset>('/datasets'),
      getAll<LatestItem>('/latest'),
      getAll<AlertItem>('/alerts', { state: 'open' }),
    ]);
    if (!producers.ok) return this.#failed(producers.problem);
    if (!datasets.ok) return this.#failed(datasets.problem);
    if (!latest.ok) return this.#failed(latest.problem);
    if (!alerts.ok) return this.#failed(alerts.problem);
    for (const item of producers.value) this.producers.set(item.producer, item);
    for (const item of datasets.value) this.datasets.set(item.dataset, item);
    for (const item of latest.value) this.#putLatest(item);
    const open = new Set(alerts.value.map((item) => item.alert));
    for (const [id, item] of this.alerts) if (item.state !== 'closed' && !open.has(id)) this.alerts.delete(id);
    for (const item of alerts.value) this.putAlert(item);
    this.problem.value = null;
    this.loaded.value = true;
    return true;
  }

  #failed(problem: RequestProblem): boolean {
    this.problem.value = problem;
    return false;
  }

  #take(status: SystemStatus): void {
    this.status.value = status;
    this.faults.value = status.faults;
    this.#setServerTime(Date.parse(status.now));
    this.#takeLedger(status.ledger);
  }

  #heartbeat(at: number, ledger: LedgerStatus, faults: readonly SystemFault[]): void {
    this.faults.value = faults;
    this.#setServerTime(at);
    this.#takeLedger(ledger);
  }

  #takeLedger(ledger: LedgerStatus): void {
    const before = this.ledger.value;
    if (before !== undefined && before.root !== ledger.root) this.ledgerGrewAt.value = this.now.value;
    this.ledger.value = ledger;
  }

  #setServerTime(at: number): void {
    this.clock.value = Date.now();
    this.#offsetMs.value = at - this.clock.value;
  }

  #heardAt(): number {
    const lostAt = this.stream.value?.lostAt ?? null;
    return (lostAt ?? this.clock.value) + this.#offsetMs.value;
  }

  #apply(events: readonly StreamEvent[], skipped: ReadonlySet<string>): void {
    for (const event of events) {
      if (event.type === 'observation') {
        this.#putLatest(event);
        this.#newestAt.value = Math.max(this.#newestAt.value ?? 0, Date.parse(event.receivedAt) - this.#offsetMs.value);
        for (const listener of this.#listeners) listener(event);
      } else if (event.type === 'alert') this.#applyTransition(event);
      else this.#applyQuality(event);
    }
    if (skipped.size > 0) for (const listener of this.#skipListeners) listener(skipped);
  }

  #applyQuality(event: QualityEvent): void {
    if (event.type === 'verdict') for (const value of event.values) this.#rejudge(value);
    else {
      const known = this.latest.get(`${event.flag.dataset}/${event.flag.producer}`);
      // What the tests found is not told with a person's word: the server joins the two.
      if (known !== undefined) void this.#fetchLatest(known);
    }
    for (const listener of this.#qualityListeners) listener(event);
  }

  #rejudge({ dataset, producer, observedProperty, phenomenonTime, record, quality }: JudgedValue): void {
    const key = `${dataset}/${producer}`;
    const known = this.latest.get(key);
    const value = known?.values[observedProperty];
    if (known === undefined || value === undefined || known.phenomenonTime !== phenomenonTime) return;
    if ((value.record ?? known.record) !== record) return;
    this.latest.set(key, { ...known, values: { ...known.values, [observedProperty]: { ...value, quality } } });
  }

  #applyTransition(event: Extract<StreamEvent, { type: 'alert' }>): void {
    const known = this.alerts.get(event.transition.alert);
    const item = foldAlert(known, event.transition, event.position);
    if (item === undefined) {
      if (event.transition.type === 'correct') void this.#fetchAlert(event.transition.alert);
      return;
    }
    this.alerts.set(item.alert, item);
    this.#trimAlerts();
    if (known === undefined) for (const listener of this.#alertListeners) listener(item);
  }

  /** Late data have changed an alert that this screen does not hold. */
  async #fetchAlert(alert: string): Promise<void> {
    const answer = await getJson<AlertItem>(`/alerts/${encodeURIComponent(alert)}`);
    if (answer.ok) this.putAlert(answer.value);
  }

  #trimAlerts(): void {
    if (this.alerts.size <= ALERTS_MAX) return;
    for (const [id, item] of this.alerts) {
      if (item.state === 'closed') this.alerts.delete(id);
      if (this.alerts.size <= ALERTS_MAX) return;
    }
  }

  /** A reading that was corrected in part, with the index of the whole. */
  async #fetchLatest({ dataset, producer }: LatestItem): Promise<void> {
    const answer = await getJson<{ items: LatestItem[] }>('/latest', { dataset, producer });
    const [item] = answer.ok ? answer.value.items : [];
    const known = this.latest.get(`${dataset}/${producer}`);
    if (item !== undefined && known !== undefined && Number(item.record) >= Number(known.record))
      this.latest.set(`${dataset}/${producer}`, item);
  }

  /** The newest reading by phenomenonTime stays; of two for the same time the later record is the correction. */
  #putLatest(item: LatestItem): void {
    if (Object.values(item.values).some(({ flags }) => flags.includes('future') || flags.includes('historical'))) return;
    const key = `${item.dataset}/${item.producer}`;
    const known = this.latest.get(key);
    const newer =
      known === undefined ||
      item.phenomenonTime > known.phenomenonTime ||
      (item.phenomenonTime === known.phenomenonTime && Number(item.record) >= Number(known.record));
    if (!newer) return;
    const whole = item.phenomenonTime === known?.phenomenonTime ? corrected(known, item) : item;
    this.latest.set(key, whole);
    if (whole !== item) void this.#fetchLatest(item);
  }
}

/** A later record for one moment counts for the values it names; the others stay, each with the record it came in. */
export function corrected(known: LatestItem, item: LatestItem): LatestItem {
  const kept = Object.entries(known.values).filter(([property]) => !Object.hasOwn(item.values, property));
  if (kept.length === 0) return item;
  const values = Object.fromEntries(kept.map(([property, value]) => [property, { ...value, record: value.record ?? known.record }]));
  // The index of a part says nothing of the whole: none is shown until the server's own is fetched.
  const { index: _, ...rest } = item;
  return { ...rest, values: { ...values, ...item.values } };
}

export const LIVE: InjectionKey<LiveStore> = Symbol('live');

export function useLive(): LiveStore {
  const live = inject(LIVE);
  if (live === undefined) throw new Error('no live store is provided');
  return live;
}
