/**
 * Writes journal events into the tables, each exactly once in effect.
 *
 * Rows gather in memory while the previous block is written. A block holds whole records; its tables are written in the
 * order of TABLES, each by one atomic insert. After a crash each table's own max(position) says what is there: the
 * projector starts above the observations' and leaves out what the other tables have already.
 *
 * A `sys.retention` or `sys.erasures` record deletes rows: before anything of its block is written, so that a crash between the two has it
 * done again. It comes only after `settled`, so that all rows it means are in the tables and none is in the block. It is
 * done again whenever the fold comes by, because the fold may just have brought the rows back: with the last rows gone,
 * max(position) is lower, and ingest may not have removed the payloads yet.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Removal, removalsOf } from '@airtight/protocol';
import type { Logger } from 'pino';
import type { JournalEvent } from '../decode/decoder.ts';
import type { Verdict } from '../quality/verdict.ts';
import { AlertRows, ControlRows, IndexRows, ObservationRows, type Rows, TickRows, VerdictRows } from './rows.ts';
import { DATABASE, TABLES, type Table } from './schema.ts';
import { BULK_TIMEOUT_MS, type Store } from './store.ts';

/** A block is written when it has so many rows, … (an insert costs some 15 ms whatever its size, and small parts must be merged) */
const FLUSH_ROWS = 60_000;
/** … or when its oldest row is so old; … */
const FLUSH_AGE_MS = 500;
/**
 * … or so old, where so many rows come that four blocks of half a second would be merged again and again: at 5,000 readings a second
 * merging took a third of a core. Who waits for the tables (`settled`) waits no longer for that.
 */
const BUSY_FLUSH_AGE_MS = 2000;
const BUSY_ROWS = 5000;
/**
 * Rows gathered while an insert is under way; beyond it the feed is held back. The last record of a block may bring 64,000
 * more: still far below the 1,048,449 rows at which the engine would cut an insert into several parts.
 */
const GATHERED_MAX_ROWS = 90_000;
const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 5000;

/** Highest position in each table, -1 for an empty one. */
export type TableMarks = { readonly [table in Table]: number };

/** What the tables themselves say. */
export async function readMarks(store: Store): Promise<TableMarks> {
  const marks: { [table in Table]: number } = { control: -1, ticks: -1, alerts: -1, indices: -1, verdicts: -1, observations: -1 };
  for (const table of TABLES) {
    const [row] = await store.query(`SELECT max(position), count() FROM ${DATABASE}.${table}`, 'bulk', BULK_TIMEOUT_MS);
    const [max, count] = row as [number, number];
    marks[table] = count === 0 ? -1 : max;
  }
  return marks;
}

interface Block {
  readonly rows: {
    readonly control: ControlRows;
    readonly ticks: TickRows;
    readonly alerts: AlertRows;
    readonly indices: IndexRows;
    readonly verdicts: VerdictRows;
    readonly observations: ObservationRows;
  };
  /** Whose rows are deleted first. */
  readonly removals: Removal[];
  /** Positions covered: [from, next). */
  from: number;
  next: number;
  /** When its first event came, ms of the injected clock. */
  since: number;
}

export interface ProjectorOptions {
  readonly logger: Logger;
  readonly now?: () => number;
  /** Told when rows were deleted. */
  readonly onRemoved?: (removed: Removal) => Promise<void>;
}

export class Projector {
  readonly #store: Pick<Store, 'insert' | 'remove'>;
  readonly #onRemoved: ProjectorOptions['onRemoved'];
  readonly #marks: TableMarks;
  readonly #logger: Logger;
  readonly #now: () => number;
  #gathering: Block;
  #spare: Block;
  #through: number;
  #closing = false;
  /** Somebody waits for what has been gathered. */
  #hurried = false;
  #settledWaiters: (() => void)[] = [];
  #wake: (() => void) | undefined;
  #roomWaiters: (() => void)[] = [];
  #done: Promise<void> | undefined;

  constructor(store: Pick<Store, 'insert' | 'remove'>, marks: TableMarks, options: ProjectorOptions) {
    this.#store = store;
    this.#marks = marks;
    this.#logger = options.logger;
    this.#onRemoved = options.onRemoved;
    this.#now = options.now ?? (() => performance.now());
    this.#through = marks.observations + 1;
    this.#gathering = newBlock(this.#through);
    this.#spare = newBlock(this.#through);
  }

  /** All positions below are in the tables. */
  get through(): number {
    return this.#through;
  }

  /** Position of the next event it wants. */
  get next(): number {
    return this.#gathering.next;
  }

  /**
   * Takes the next event; one before `next` is known already.
   * @param verdicts what the event has decided of the quality of values
   */
  add(event: JournalEvent, verdicts: readonly Verdict[]): void {
    const block = this.#gathering;
    if (event.position < block.next) return;
    const first = block.next === block.from;
    if (first) block.since = this.#now();
    block.next = event.position + 1;
    const { rows } = block;
    if (event.kind === 'readings') {
      if (event.position > this.#marks.observations) rows.observations.push(event);
      if (event.position > this.#marks.indices) rows.indices.push(event);
      if (event.position > this.#marks.verdicts) rows.verdicts.push(event, verdicts);
    } else if (event.kind === 'alert') {
      if (event.position > this.#marks.alerts) rows.alerts.push(event);
    } else if (event.kind === 'control') {
      block.removals.push(...removalsOf(event.record));
      if (event.position > this.#marks.control) rows.control.push(event);
    } else if (event.kind === 'tick' && event.position > this.#marks.ticks) rows.ticks.push(event);
    // An event without rows (an opaque record) needs no insert, but moves `through` all the same.
    if (first || rowsOf(block) >= FLUSH_ROWS) this.#wake?.();
  }

  /** Resolves when there is room for more events. */
  async room(): Promise<void> {
    while (rowsOf(this.#gathering) >= GATHERED_MAX_ROWS && !this.#closing) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    }
  }

  /**
   * Resolves when all events taken so far are in the tables.
   * @returns false when it closes before: nothing more may be added then
   */
  async settled(): Promise<boolean> {
    const wanted = this.#gathering.next;
    while (this.#through < wanted && !this.#closing) {
      this.#hurried = true;
      this.#wake?.();
      await new Promise<void>((resolve) => this.#settledWaiters.push(resolve));
    }
    return !this.#closing;
  }

  /** Begins writing; runs until close(). */
  start(): void {
    this.#done = this.#run();
  }

  /** Writes what was gathered and stops. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wake?.();
    for (const waiter of [...this.#roomWaiters.splice(0), ...this.#settledWaiters.splice(0)]) waiter();
    await this.#done;
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#due();
      const block = this.#gathering;
      const last = this.#closing;
      if (block.next > this.#through) {
        this.#gathering = this.#spare;
        this.#gathering.from = block.next;
        this.#gathering.next = block.next;
        for (const waiter of this.#roomWaiters.splice(0)) waiter();
        await this.#write(block);
        this.#through = block.next;
        for (const rows of Object.values(block.rows)) rows.reset();
        block.removals.length = 0;
        this.#spare = block;
        this.#hurried = false;
        for (const waiter of this.#settledWaiters.splice(0)) waiter();
      }
      if (last) return;
    }
  }

  /** Resolves when the gathered block is large or old enough, or the projector closes. */
  async #due(): Promise<void> {
    while (!this.#closing) {
      const block = this.#gathering;
      if (rowsOf(block) >= FLUSH_ROWS) return;
      if (block.next === block.from) {
        await this.#pause(undefined);
        continue;
      }
      if (this.#hurried) return;
      const ageMaxMs = rowsOf(block) >= BUSY_ROWS ? BUSY_FLUSH_AGE_MS : FLUSH_AGE_MS;
      const leftMs = block.since + ageMaxMs - this.#now();
      if (leftMs <= 0) return;
      await this.#pause(leftMs);
    }
  }

  /** Until add() or close() wakes it, or the time is over. */
  #pause(ms: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(done, ms);
      this.#wake = done;
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
    });
  }

  async #write(block: Block): Promise<void> {
    for (const removal of block.removals) {
      for (const table of ['observations', 'indices', 'verdicts'] as const)
        await this.#persist(`${table}:remove:${removal.dataset}:${removal.fromPosition}`, () => this.#store.remove(table, removal));
      await this.#onRemoved?.(removal);
    }
    for (const table of TABLES) {
      const rows: Rows = block.rows[table];
      const token = `${table}:${block.from}:${block.next}`;
      if (rows.count > 0) await this.#persist(token, () => this.#store.insert(table, rows.columns, rows.count, token));
    }
  }

  /** Tries until it is done: a repeat is harmless, and the feed is held back meanwhile. */
  async #persist(token: string, step: () => Promise<void>): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        await step();
        return;
      } catch (error) {
        if (this.#closing && failures > 0) throw error;
        this.#logger.error({ err: error, token, failures }, 'writing to the store failed; trying again');
        await sleep(Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(failures, 8)));
      }
    }
  }
}

function newBlock(from: number): Block {
  const rows = {
    ...{ control: new ControlRows(), ticks: new TickRows(), alerts: new AlertRows(), indices: new IndexRows() },
    ...{ verdicts: new VerdictRows(), observations: new ObservationRows() },
  };
  return { rows, removals: [], from, next: from, since: 0 };
}

function rowsOf({ rows }: Block): number {
  const { control, ticks, alerts, indices, verdicts, observations } = rows;
  return control.count + ticks.count + alerts.count + indices.count + verdicts.count + observations.count;
}
