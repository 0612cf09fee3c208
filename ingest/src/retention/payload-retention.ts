/**
 * Removes payloads that are older than their dataset's `retentionDays` from sealed, anchored segments, in the background:
 * the oldest segment first, one at a time, a dataset of a segment when all its records there are old enough. What goes is
 * put on record (`sys.retention`), durably, before it goes; leaf hash and header stay (docs/reference/retention.md).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type DatasetRegistry, isSaltedBody, type RetentionRecord } from '@airtight/protocol';
import type { Logger } from 'pino';
import { headerIn } from '../confidential/day-segments.ts';
import type { SpentKeys } from '../confidential/spent-keys.ts';
import type { Journal } from '../journal/journal.ts';
import type { SegmentRange } from '../journal/sealed-segments.ts';
import type { IngestMetrics } from '../metrics.ts';
import type { RetentionLog } from './retention-log.ts';
import { type DatasetCensus, removalOf, type SegmentCensus, takeCensus } from './segment-census.ts';

const DAY_MS = 86_400_000;
/** The active segment is sealed when it is older than this part of the shortest period: nothing outlives its period by much more. */
const SEAL_PART = 0.1;

export interface PayloadRetentionOptions {
  readonly journal: Pick<Journal, 'sealed' | 'active' | 'committed' | 'read' | 'sealSoon' | 'walkSealed' | 'rewriteSealed'>;
  /** Whose newest definitions are the policies. */
  readonly datasets: Pick<DatasetRegistry, 'newest'>;
  readonly log: RetentionLog;
  /** Puts it on record; resolves when it is durable, and is in the log then. */
  readonly write: (record: RetentionRecord) => Promise<void>;
  /** Destroys the keys of confidential records whose payloads went. */
  readonly spentKeys: Pick<SpentKeys, 'removed' | 'look'>;
  /** Every record below is in the ledger. */
  readonly anchoredThrough: () => number;
  /** How often it looks, s. */
  readonly intervalS: number;
  readonly metrics: Pick<IngestMetrics, 'payloadsRemoved' | 'retentionFailures'>;
  readonly logger: Logger;
  /** Epoch ms. */
  readonly now?: () => number;
}

interface Policy {
  readonly position: number;
  readonly periodMs: number;
}

export class PayloadRetention {
  readonly #options: PayloadRetentionOptions;
  readonly #now: () => number;
  /** What was counted of segments that still hold something; a segment with removed payloads is counted again. */
  readonly #counted = new Map<number, SegmentCensus>();
  readonly #stop = new AbortController();
  readonly #stopped = new Promise<void>((resolve) => this.#stop.signal.addEventListener('abort', () => resolve(), { once: true }));
  #running: Promise<void> | undefined;

  constructor(options: PayloadRetentionOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** A segment that is under way is left as it is. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Looks once through all segments. @throws when writing fails: nothing is half done, the next look goes on */
  async look(): Promise<void> {
    const policies = this.#policies();
    // Of a dataset whose policy was lifted meanwhile, what is on record as removed still goes.
    const open = new Set([...policies.keys(), ...this.#options.log.all().map(({ dataset }) => dataset)]);
    for (const segment of this.#options.journal.sealed) {
      const end = segment.first + segment.count;
      if (open.size === 0 || end > this.#options.anchoredThrough() || this.#isYoung(segment, policies, open)) break;
      if ([...open].every((dataset) => this.#isBehind(dataset, end))) this.#counted.delete(segment.first);
      else await this.#clear(segment, policies, open);
    }
    this.#sealOld(policies);
    const { datasets, spentKeys } = this.#options;
    const confidential = datasets.newest().filter(({ definition }) => definition.confidential === true);
    const periods = confidential.flatMap(({ definition }) => policies.get(definition.dataset)?.periodMs ?? []);
    if (periods.length > 0) await spentKeys.look(this.#now() - Math.min(...periods), this.#now(), this.#stop.signal);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { intervalS, metrics, logger } = this.#options;
    while (!signal.aborted) {
      await delay(intervalS * 1000, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.look();
      } catch (error) {
        if (signal.aborted) return;
        metrics.retentionFailures.inc();
        logger.warn({ err: error }, 'payloads not removed; the segment stays as it is and is tried again');
      }
    }
  }

  #policies(): ReadonlyMap<string, Policy> {
    const policies = new Map<string, Policy>();
    for (const { position, definition } of this.#options.datasets.newest()) {
      const { dataset, retentionDays } = definition;
      if (retentionDays !== undefined) policies.set(dataset, { position, periodMs: retentionDays * DAY_MS });
    }
    return policies;
  }

  /** Nothing in it can be due: so nothing behind it can. Saves reading the whole journal for a dataset that is not in it. */
  #isYoung({ first }: SegmentRange, policies: ReadonlyMap<string, Policy>, open: ReadonlySet<string>): boolean {
    if ([...open].some((dataset) => (this.#options.log.last(dataset)?.toPosition ?? -1) >= first)) return false;
    const receivedAt = this.#receivedAt(first);
    return receivedAt !== undefined && receivedAt >= this.#now() - shortestPeriodMs(policies);
  }

  /** A later segment has been dealt with, so this one has too. */
  #isBehind(dataset: string, end: number): boolean {
    return (this.#options.log.last(dataset)?.fromPosition ?? -1) >= end;
  }

  /** Removes from one segment what is due; takes from `open` the datasets of which nothing behind it can be due. */
  async #clear(segment: SegmentRange, policies: ReadonlyMap<string, Policy>, open: Set<string>): Promise<void> {
    const { journal, log, metrics, logger } = this.#options;
    const { signal } = this.#stop;
    const census = this.#counted.get(segment.first) ?? (await takeCensus(journal.walkSealed(segment.first, signal)));
    this.#counted.set(segment.first, census);
    const covering: RetentionRecord[] = [];
    for (const dataset of open) {
      const held = census.get(dataset);
      if (held === undefined) continue;
      const record = recorded(log.last(dataset), held) ?? (await this.#record(dataset, held, policies.get(dataset)));
      if (record === undefined) open.delete(dataset);
      else covering.push(record);
    }
    if (covering.length === 0) return;
    const sizes = await journal.rewriteSealed(segment.first, this.#noting(removalOf(covering)), signal);
    this.#counted.delete(segment.first);
    for (const { dataset, count, fromPosition, toPosition, before } of covering) {
      metrics.payloadsRemoved.inc(count);
      logger.info({ dataset, count, fromPosition, toPosition, before, ...sizes }, 'payloads removed by policy');
    }
  }

  /** Tells of what days confidential payloads go. */
  #noting(remove: ReturnType<typeof removalOf>): ReturnType<typeof removalOf> {
    return (position, body) => {
      const left = remove(position, body);
      const header = left !== undefined && isSaltedBody(body) ? headerIn(body) : undefined;
      if (header !== undefined) this.#options.spentKeys.removed(header.receivedAt);
      return left;
    };
  }

  /** @returns undefined when they are not old enough */
  async #record(dataset: string, held: DatasetCensus, policy: Policy | undefined): Promise<RetentionRecord | undefined> {
    if (policy === undefined) return undefined;
    const before = Math.floor(this.#now() - policy.periodMs);
    if (held.newestAt >= before) return undefined;
    const { fromPosition, toPosition, kept, count, keptSha256 } = held;
    const record: RetentionRecord = {
      type: 'retention',
      ...{ dataset, before, fromPosition, toPosition, count, keptSha256 },
      ...(kept.length === 0 ? {} : { kept }),
      policyPosition: policy.position,
      by: 'policy',
    };
    // On a full disk it may never become durable, and nobody who stops the service waits for that.
    await Promise.race([this.#options.write(record), this.#stopped]);
    this.#stop.signal.throwIfAborted();
    return record;
  }

  #sealOld(policies: ReadonlyMap<string, Policy>): void {
    const { journal } = this.#options;
    if (policies.size === 0 || journal.active >= journal.committed) return;
    const oldestAt = this.#receivedAt(journal.active);
    if (oldestAt !== undefined && this.#now() - oldestAt > shortestPeriodMs(policies) * SEAL_PART) journal.sealSoon();
  }

  #receivedAt(position: number): number | undefined {
    const body = this.#options.journal.read(position);
    if (body === null) return undefined;
    return headerIn(body)?.receivedAt;
  }
}

function shortestPeriodMs(policies: ReadonlyMap<string, Policy>): number {
  return Math.min(...[...policies.values()].map(({ periodMs }) => periodMs));
}

/** The record on file, if it is about these. */
function recorded(last: RetentionRecord | undefined, held: DatasetCensus): RetentionRecord | undefined {
  return last?.fromPosition === held.fromPosition && last.toPosition === held.toPosition ? last : undefined;
}
