/**
 * The fold over the journal: every record, in order, through every stage. Each stage knows its own position and passes
 * over what it has already, so the feed may begin at the earliest of them.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { removalsOf } from '@airtight/protocol';
import type { ChannelsHost } from './channels/channels-host.ts';
import type { ContractsHost } from './contracts/host.ts';
import type { ControlState } from './control/control-state.ts';
import { decodeFrame, type JournalEvent } from './decode/decoder.ts';
import type { Births } from './feed/births.ts';
import type { AlertBook } from './project/alert-book.ts';
import type { ClockSkews } from './project/clock-skew.ts';
import type { LatestValues } from './project/latest.ts';
import type { Projector } from './project/projector.ts';
import type { ServiceBreaks } from './project/service-breaks.ts';
import type { QualityHost } from './quality/quality-host.ts';
import type { StreamHub } from './stream/hub.ts';
import type { FeedChunk } from './upstream/ingest-client.ts';

/** How long the fold may hold the event loop before others get their turn. */
const TURN_MS = 8;
/** Records between looks at the clock. */
const LOOK_EVERY = 32;

export interface Stages {
  readonly control: ControlState;
  readonly latest: LatestValues;
  readonly skew: ClockSkews;
  readonly alerts: AlertBook;
  readonly services: ServiceBreaks;
  readonly quality: QualityHost;
  readonly projector: Projector;
  readonly contracts: ContractsHost;
  readonly channels: ChannelsHost;
  readonly stream: StreamHub;
}

export interface FoldCounters {
  records: number;
  observations: number;
  opaque: number;
  /** Records whose payload was gone. */
  expired: number;
}

export class Fold {
  readonly #stages: Stages;
  readonly counters: FoldCounters = { records: 0, observations: 0, opaque: 0, expired: 0 };
  readonly #births: Births;
  #head = 0;
  #next: number;

  constructor(stages: Stages, births: Births, from: number) {
    this.#stages = stages;
    this.#births = births;
    this.#next = from;
  }

  /** Committed end of the journal as last heard. */
  get head(): number {
    return this.#head;
  }

  /** Position of the next record. */
  get next(): number {
    return this.#next;
  }

  /** Takes a chunk of the feed, waiting where a stage is full. */
  async take(chunk: FeedChunk): Promise<void> {
    this.#head = Math.max(this.#head, chunk.head);
    const { projector, contracts, channels } = this.#stages;
    const frames = await this.#births.framesOf(chunk);
    let turnBegan = performance.now();
    for (const frame of frames) {
      // A chunk that failed half-way comes again from its beginning.
      if (frame.position < this.#next) continue;
      const event = decodeFrame(frame, this.#stages.control.datasets);
      // The rows it deletes must be in the tables (projector.ts).
      if (event.kind === 'control' && removalsOf(event.record).length > 0) {
        channels.commit();
        if (!(await projector.settled())) throw new Error('closing');
      }
      this.#give(event);
      if (frame.position % LOOK_EVERY !== 0 || performance.now() - turnBegan < TURN_MS) continue;
      // Before anything else gets its turn: no table may be ahead of the outbox.
      channels.commit();
      await projector.room();
      await contracts.room();
      await nextTurn();
      turnBegan = performance.now();
    }
    channels.commit();
    if (this.#next >= this.#head) channels.caughtUp();
    await projector.room();
    await contracts.room();
  }

  #give(event: JournalEvent): void {
    const verdicts = this.#stages.quality.take(event);
    const { control, latest, skew, alerts, services, projector, contracts, channels, stream } = this.#stages;
    this.counters.records++;
    if (event.kind === 'control') {
      control.take(event);
      if (event.record.type === 'flag') latest.takeFlag(event.record);
      channels.takeControl(event);
    } else if (event.kind === 'alert') {
      alerts.take(event);
      channels.take(event);
      services.take(event);
    } else if (event.kind === 'tick') services.passTime(event.at);
    else if (event.kind === 'readings') {
      this.counters.observations += event.observations.length;
      latest.take(event, verdicts);
      skew.take(event);
    } else if (event.kind === 'opaque') this.counters.opaque++;
    else if (event.kind === 'expired') this.counters.expired++;
    projector.add(event, verdicts);
    contracts.take(event, this.#head);
    stream.take(event, verdicts, this.#head);
    this.#next = event.position + 1;
  }
}
