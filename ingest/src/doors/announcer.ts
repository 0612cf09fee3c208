/**
 * What the broker tells subscribers once a group commit is durable: accepted payloads on the live topics, and receipts
 * to the producers that asked for them. A receipt comes in two steps: stored (journal position and leaf hash), and later
 * anchored (batch, ledger index, checkpoint size); a producer that keeps both can prove that a record was left out.
 *
 * Announcing is best effort and bounded: it is dropped and counted when subscribers are slow, and publishing goes on.
 * A producer that misses a receipt sends its message again: a repeat is answered with a receipt too.
 */
import { liveTopic, type Receipt, receiptTopic } from '@airtight/protocol';
import type { RecordRoute } from '../admit/record-route.ts';
import type { Anchored } from '../batch/batch-store.ts';
import type { CommitMember, Intake, Taken } from '../intake.ts';

/** Announcements under way to subscribers; beyond it they are dropped and counted. */
const IN_FLIGHT_MAX = 1000;
/** Receipts that wait for their batch to be anchored; beyond it the oldest is dropped and counted. */
const AWAITING_ANCHOR_MAX = 10_000;

export interface AnnouncerOptions {
  readonly intake: Intake;
  /** Hands a message to the broker; `done` is called when all subscribers have it or are gone. */
  readonly publish: (topic: string, payload: Buffer, done: () => void) => void;
  /** Lower-case hex leaf hash of a stored record. */
  readonly leafHashOf: (position: number) => string;
  /** The batch of a record, once the ledger has it. */
  readonly anchorOf: (position: number) => Anchored | null;
  readonly onDropped: () => void;
}

interface Announcement {
  readonly topic: string;
  readonly payload: () => Buffer;
}

export class Announcer implements CommitMember {
  readonly #options: AnnouncerOptions;
  #gathering: Announcement[] = [];
  #committing: Announcement[] = [];
  #awaitingAnchor: { readonly topic: string; readonly position: number }[] = [];
  #inFlight = 0;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Republishes an accepted payload on its live topic. */
  live(route: RecordRoute, payload: Buffer): void {
    this.#gather({ topic: liveTopic(route.fields), payload: () => payload });
  }

  /** Answers a producer what became of its message. */
  receipt(route: RecordRoute, taken: Taken): void {
    const topic = receiptTopic(route.fields);
    if (taken.kind === 'quarantined') {
      const { code, detail } = taken.refusal;
      this.#gather({ topic, payload: () => json({ status: taken.kind, code, detail }) });
      return;
    }
    const { kind: status, position } = taken;
    this.#gather({
      topic,
      payload: () => json({ status, record: String(position), leafHash: this.#options.leafHashOf(position) }),
    });
    this.#awaitingAnchor.push({ topic, position });
    if (this.#awaitingAnchor.length > AWAITING_ANCHOR_MAX) {
      this.#awaitingAnchor.shift();
      this.#options.onDropped();
    }
  }

  /** The ledger has taken more batches. @param checkpointSize size of the tree that covers them */
  anchored(checkpointSize: number): void {
    this.#awaitingAnchor = this.#awaitingAnchor.filter(({ topic, position }) => {
      const anchor = this.#options.anchorOf(position);
      if (anchor === null) return true;
      const { seq, ledgerIndex } = anchor;
      this.#announce({
        topic,
        payload: () => json({ status: 'anchored', record: String(position), batch: seq, ledgerIndex, checkpointSize }),
      });
      return false;
    });
  }

  onCommitStart(): void {
    this.#committing = this.#gathering;
    this.#gathering = [];
  }

  onCommitted(): void {
    for (const announcement of this.#committing) this.#announce(announcement);
    this.#committing = [];
  }

  #gather(announcement: Announcement): void {
    if (this.#gathering.length === 0) this.#options.intake.join(this);
    this.#gathering.push(announcement);
  }

  #announce({ topic, payload }: Announcement): void {
    if (this.#inFlight >= IN_FLIGHT_MAX) return this.#options.onDropped();
    this.#inFlight++;
    this.#options.publish(topic, payload(), () => {
      this.#inFlight--;
    });
  }
}

function json(receipt: Receipt): Buffer {
  return Buffer.from(JSON.stringify(receipt));
}
