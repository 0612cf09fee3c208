/**
 * Takes what other regions send: alerts, each answered with a signed receipt, and acknowledgements of our alerts. Whoever
 * can reach this service may ask; what counts is the signature of a region that is known here.
 */
import {
  AirtightError,
  CONTROL_AGENCY,
  type Code,
  type OpenedRegionNote,
  type Outcome,
  openRegionNote,
  REGIONS_DATASET,
  type RegionAlert,
  type RegionNoteKind,
  type RegionRecord,
  regionNoteDigest,
  regionNoteText,
} from '@airtight/protocol';
import { formatVkey } from '@airtight/tlog';
import { ActTurns } from '../alerts/act-turns.ts';
import type { Outbox } from '../channels/outbox.ts';
import type { ControlState } from '../control/control-state.ts';
import type { Fold } from '../fold.ts';
import { whenFolded } from '../routes/read-your-write.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import { judgeProof } from './judge-proof.ts';
import type { KnownRegion } from './known-regions.ts';
import { type RegionBook, VERIFIED } from './region-book.ts';
import type { RegionKey } from './region-key.ts';
import { regionAlertOf } from './region-sender.ts';

/** A busy service falls behind for a moment; the sender waits 15 s, and after a second refusal some minutes. */
const FOLD_WAIT_MS = 5000;
/** Of what is wrong with a proof. */
const DETAIL_MAX_LENGTH = 500;

export interface ReceiverDeps {
  readonly key: RegionKey | undefined;
  readonly regions: () => ReadonlyMap<string, KnownRegion>;
  readonly book: RegionBook;
  readonly ingest: Pick<IngestClient, 'writeRecords' | 'status'>;
  readonly fold: Pick<Fold, 'next'>;
  readonly outbox: Pick<Outbox, 'byName'>;
  readonly control: Pick<ControlState, 'channels'>;
  readonly now?: () => number;
}

interface Opened<K extends RegionNoteKind> extends OpenedRegionNote<K> {
  readonly key: RegionKey;
  readonly region: KnownRegion;
}

export class RegionReceiver {
  readonly #deps: ReceiverDeps;
  /** Refused requests since the start, by code. */
  readonly refusals = new Map<Code, number>();
  /** One after the other for each region: of two equal requests the second finds what the first has written. */
  readonly #turns = new ActTurns();

  constructor(deps: ReceiverDeps) {
    this.#deps = deps;
  }

  /**
   * Puts an alert on record, once whatever is repeated; and a second time when it comes again with the first proof that holds.
   * @returns the signed receipt, for one message the same until it is proven, and the same from then on
   * @throws AirtightError REGION_…, SERVICE_UNAVAILABLE, OVERLOADED
   */
  receiveAlert(note: string, proof: object | null): Promise<string> {
    return this.#counted(async () => {
      const opened = this.#open('alert', note);
      const { message } = opened.value;
      if (message.type === 'channel.test')
        return receiptOf(opened, { position: null, receivedAt: this.#now(), verdict: 'REGION_PROOF_MISSING' });
      if (message.data.alert === '' || message.data.record === undefined)
        throw new AirtightError('REGION_MESSAGE_INVALID', 'no alert, or no record');
      return this.#turns.run(opened.region.name, () => this.#takeAlert(opened, note, proof));
    });
  }

  /**
   * Puts what a person of another region did with our alert on record, once.
   * @returns true when it is known already
   * @throws AirtightError REGION_…, SERVICE_UNAVAILABLE, OVERLOADED
   */
  receiveAct(note: string): Promise<boolean> {
    return this.#counted(async () => {
      const opened = this.#open('act', note);
      return this.#turns.run(opened.region.name, () => this.#takeAct(opened, note));
    });
  }

  async #takeAlert({ value, region, key, digest }: Opened<'alert'>, note: string, proof: object | null): Promise<string> {
    await this.#caughtUp();
    const { alert } = value.message.data;
    const known = () => this.#deps.book.message(region.name, alert, value.delivery);
    const before = known();
    const isOpen = before === undefined || (before.digest === digest && before.verdict !== VERIFIED && proof !== null);
    const judged = isOpen ? judgeProof(proof, value.message, region.policy) : undefined;
    if (judged !== undefined && (judged.ok || before === undefined)) {
      const verdict = judged.ok ? { verdict: VERIFIED } : { verdict: judged.code, detail: judged.detail.slice(0, DETAIL_MAX_LENGTH) };
      await this.#write(region, before === undefined ? value.delivery : `${value.delivery}.proven`, {
        ...{ type: 'region-alert', region: region.name, delivery: value.delivery, alert, note, proof, ...verdict },
        vkey: formatVkey(region.vkey),
      });
    }
    const kept = known();
    if (kept === undefined) throw new AirtightError('SERVICE_UNAVAILABLE', 'the alert is on record, and not read yet');
    if (kept.digest !== digest) throw new AirtightError('REGION_MESSAGE_CONFLICT', value.delivery);
    return receiptOf({ key, value, digest }, kept);
  }

  async #takeAct({ value, region, key, digest }: Opened<'act'>, note: string): Promise<boolean> {
    await this.#caughtUp();
    const acts = this.#deps.book.answers(value.alert)?.acts ?? [];
    const known = acts.find(({ region: from, act }) => from === region.name && act.act === value.act);
    if (known !== undefined && known.digest !== digest) throw new AirtightError('REGION_MESSAGE_CONFLICT', value.act);
    if (known !== undefined) return true;
    if (this.#sentDigest(value.alert, value.delivery, { region, key }) !== value.digest)
      throw new AirtightError('REGION_ALERT_UNKNOWN', `${value.delivery} to ${region.name}`);
    await this.#write(region, value.act, {
      ...{ type: 'region-act', direction: 'received', region: region.name, delivery: value.delivery, alert: value.alert, note },
      vkey: formatVkey(region.vkey),
    });
    return false;
  }

  /** Of what was sent to this region under this name; undefined when nothing was. */
  #sentDigest(alert: string, delivery: string, { region, key }: Pick<Opened<'act'>, 'region' | 'key'>): string | undefined {
    const receipts = this.#deps.book.answers(alert)?.receipts ?? [];
    const receipt = receipts.find((one) => one.region === region.name && one.receipt.delivery === delivery);
    if (receipt !== undefined) return receipt.receipt.digest;
    // Their answer to our request was lost, and comes with the next attempt.
    const message = this.#deps.outbox.byName(delivery);
    if (message === undefined || message.alert !== alert) return undefined;
    if (this.#deps.control.channels.get(message.channel)?.region !== region.name) return undefined;
    return regionNoteDigest(regionNoteText('alert', regionAlertOf(message, key.vkey.name, region.vkey.name)));
  }

  #open<K extends RegionNoteKind>(kind: K, note: string): Opened<K> {
    const { key, regions } = this.#deps;
    if (key === undefined) throw new AirtightError('REGION_NAME_MISSING', 'regionName');
    const known = [...regions().values()];
    const opened: Outcome<OpenedRegionNote<K>> = openRegionNote(
      kind,
      note,
      known.map(({ vkey }) => vkey),
    );
    if (!opened.ok) throw new AirtightError(opened.code, opened.detail);
    const region = known.find(({ vkey }) => vkey === opened.value.signer);
    if (region === undefined) throw new AirtightError('REGION_KEY_UNKNOWN', opened.value.signer.name);
    // Signed for another region: somebody passes it on.
    if (opened.value.value.to !== key.vkey.name)
      throw new AirtightError('REGION_MESSAGE_INVALID', `it is for ${opened.value.value.to.slice(0, 100)}`);
    return { ...opened.value, key, region };
  }

  /** What was taken before a crash must be known before the same is judged again. */
  async #caughtUp(): Promise<void> {
    const { head } = await this.#deps.ingest.status();
    await whenFolded(this.#deps.fold, head - 1, FOLD_WAIT_MS);
    if (this.#deps.fold.next < head) throw new AirtightError('SERVICE_UNAVAILABLE', 'the journal is being read');
  }

  async #write(region: KnownRegion, name: string, payload: RegionRecord): Promise<void> {
    const messageId = `id:${payload.type}.${region.name}.${name}`;
    const record = { agency: CONTROL_AGENCY, dataset: REGIONS_DATASET, producer: region.name, messageId, payload };
    const [written] = await this.#deps.ingest.writeRecords([record]);
    if (written !== undefined) await whenFolded(this.#deps.fold, written.position, FOLD_WAIT_MS);
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof AirtightError) this.refusals.set(error.code, (this.refusals.get(error.code) ?? 0) + 1);
      throw error;
    }
  }

  #now(): number {
    return (this.#deps.now ?? Date.now)();
  }
}

function receiptOf(
  { key, value, digest }: { readonly key: RegionKey; readonly value: RegionAlert; readonly digest: string },
  { position, receivedAt, verdict }: { readonly position: number | null; readonly receivedAt: number; readonly verdict: string },
): string {
  return key.sign('receipt', {
    ...{ from: key.vkey.name, to: value.from, delivery: value.delivery, alert: value.message.data.alert, digest },
    ...{ record: position === null ? null : String(position), receivedAt: new Date(receivedAt).toISOString(), proof: verdict },
  });
}
