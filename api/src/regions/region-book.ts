/** What was exchanged with other regions, folded from its records. */
import {
  type RegionAct,
  type RegionActRecord,
  type RegionAlert,
  type RegionReceipt,
  type RegionRecord,
  regionNoteIn,
} from '@airtight/protocol';

/** Alerts of other regions that are kept in memory, the newest; the journal has all of them. */
export const ALERTS_KEPT_MAX = 5000;
/** Alerts of our own whose receipts and acknowledgements are kept in memory; the table answers for older ones. */
export const ANSWERED_KEPT_MAX = 5000;
/** Messages about one alert that are kept: the first and the last tell how it stands. */
const MESSAGES_PER_ALERT_MAX = 200;
/** Verdict on a proof that holds. */
export const VERIFIED = 'verified';

export interface ReceivedMessage {
  /** Journal position of our record. */
  readonly position: number;
  /** Epoch ms. */
  readonly receivedAt: number;
  readonly digest: string;
  readonly value: RegionAlert;
  /** `verified`, or the code of what is wrong with the proof. */
  readonly verdict: string;
  /** Position of our record with the proof that holds: the one above, or a later one. */
  readonly provenAt: number | null;
}

export interface ActOnRecord {
  readonly position: number;
  readonly act: RegionAct;
  readonly digest: string;
}

/** An alert of another region. */
export interface ReceivedAlert {
  readonly region: string;
  readonly alert: string;
  /** In the order in which they came; at least one. */
  readonly messages: ReceivedMessage[];
  /** What people here did. */
  readonly acts: ActOnRecord[];
}

export interface ReceiptOnRecord {
  readonly region: string;
  readonly position: number;
  readonly receipt: RegionReceipt;
}

/** What other regions answered to an alert of ours. */
export interface Answers {
  readonly receipts: ReceiptOnRecord[];
  readonly acts: (ActOnRecord & { readonly region: string })[];
}

export class RegionBook {
  readonly #received = new Map<string, ReceivedAlert>();
  readonly #answers = new Map<string, Answers>();
  #through = -1;

  /** Takes the next record; one at or before the last is known already. */
  take(position: number, receivedAt: number, record: RegionRecord): void {
    if (position <= this.#through) return;
    this.#through = position;
    if (record.type === 'region-alert') this.#takeAlert(position, receivedAt, record);
    else if (record.type === 'region-receipt') this.#takeReceipt(position, record);
    else this.#takeAct(position, record);
  }

  /** Newest first. */
  received(): readonly ReceivedAlert[] {
    return [...this.#received.values()].reverse();
  }

  receivedAlert(region: string, alert: string): ReceivedAlert | undefined {
    return this.#received.get(keyOf(region, alert));
  }

  /** The message of this name, if it came. */
  message(region: string, alert: string, delivery: string): ReceivedMessage | undefined {
    return this.receivedAlert(region, alert)?.messages.find(({ value }) => value.delivery === delivery);
  }

  /** Undefined when nothing is known of it here. */
  answers(alert: string): Answers | undefined {
    return this.#answers.get(alert);
  }

  #takeAlert(
    position: number,
    receivedAt: number,
    { region, alert, note, verdict }: Extract<RegionRecord, { type: 'region-alert' }>,
  ): void {
    const opened = regionNoteIn('alert', note);
    if (opened === undefined) return;
    const key = keyOf(region, alert);
    const known = this.#received.get(key) ?? { region, alert, messages: [], acts: [] };
    const provenAt = verdict === VERIFIED ? position : null;
    const at = known.messages.findIndex(({ value }) => value.delivery === opened.value.delivery);
    const before = known.messages[at];
    if (before !== undefined) {
      if (provenAt !== null && before.provenAt === null) known.messages[at] = { ...before, verdict, provenAt };
      return;
    }
    known.messages.push({ position, receivedAt, verdict, provenAt, ...opened });
    if (known.messages.length > MESSAGES_PER_ALERT_MAX) known.messages.splice(1, 1);
    keep(this.#received, key, known, ALERTS_KEPT_MAX);
  }

  #takeReceipt(position: number, { region, alert, note }: Extract<RegionRecord, { type: 'region-receipt' }>): void {
    const opened = regionNoteIn('receipt', note);
    if (opened === undefined) return;
    const answers = this.#answersTo(alert);
    const receipt = { region, position, receipt: opened.value };
    const at = answers.receipts.findIndex((one) => one.region === region && one.receipt.delivery === opened.value.delivery);
    if (at < 0) answers.receipts.push(receipt);
    else if (opened.value.proof === VERIFIED && answers.receipts[at]?.receipt.proof !== VERIFIED) answers.receipts[at] = receipt;
  }

  #takeAct(position: number, { direction, region, alert, note }: RegionActRecord): void {
    const opened = regionNoteIn('act', note);
    if (opened === undefined) return;
    const act = { position, act: opened.value, digest: opened.digest };
    if (direction === 'sent') this.#received.get(keyOf(region, alert))?.acts.push(act);
    else this.#answersTo(alert).acts.push({ region, ...act });
  }

  #answersTo(alert: string): Answers {
    const answers = this.#answers.get(alert) ?? { receipts: [], acts: [] };
    keep(this.#answers, alert, answers, ANSWERED_KEPT_MAX);
    return answers;
  }
}

function keyOf(region: string, alert: string): string {
  return `${region}/${alert}`;
}

/** Puts it at the end as the newest, and drops the oldest beyond `max`. */
function keep<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
