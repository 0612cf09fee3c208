/**
 * Brings messages to another region. An alert counts as delivered when the region's signed receipt for it is on record here;
 * an acknowledgement when the region has answered that it has it; a proof that was late when its receipt says that it holds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AirtightError,
  type AlertMessage,
  type ChannelRecord,
  CONTROL_AGENCY,
  openRegionNote,
  REGION_NOTE_MAX_LENGTH,
  REGION_PROOF_MAX_LENGTH,
  REGIONS_DATASET,
  type RegionAlert,
  type RegionReceipt,
  type RegionReceiptRecord,
  regionNoteDigest,
  regionNoteText,
} from '@airtight/protocol';
import { formatVkey, parsePolicy } from '@airtight/tlog';
import type { Message } from '../channels/outbox.ts';
import type { Sent } from '../channels/webhook.ts';
import { buildProof } from '../query/proof.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import type { LedgerClient } from '../upstream/ledger-client.ts';
import type { KnownRegion } from './known-regions.ts';
import { VERIFIED } from './region-book.ts';
import type { RegionKey } from './region-key.ts';
import type { LateProof } from './reply-message.ts';

const TIMEOUT_MS = 15_000;
/**
 * So long an alert waits for its record to be anchored and cosigned, which takes a second or two; then it goes without the
 * cosignatures, or without a proof, the receiver says so, and the proof follows (reply-message.ts).
 */
export const PROOF_WAIT_MS = 8000;
const PROOF_LOOK_EVERY_MS = 500;
export const REGION_ALERTS_PATH = '/api/v1/region-exchange/alerts';
export const REGION_ACTS_PATH = '/api/v1/region-exchange/acts';

export interface SenderDeps {
  readonly key: RegionKey | undefined;
  readonly regions: () => ReadonlyMap<string, KnownRegion>;
  readonly ingest: Pick<IngestClient, 'writeRecords' | 'record' | 'disclosure' | 'inclusion'>;
  readonly ledger: Pick<LedgerClient, 'info' | 'file' | 'anchorsCovering'>;
}

interface Parties {
  readonly key: RegionKey;
  readonly region: KnownRegion;
}

/** A receipt of just what was sent. */
interface Received {
  readonly note: string;
  readonly receipt: RegionReceipt;
}

/** What of a message is signed: the same at each attempt. */
export function regionAlertOf({ name, body }: Pick<Message, 'name' | 'body'>, from: string, to: string): RegionAlert {
  return { from, to, delivery: name, message: JSON.parse(body) as AlertMessage };
}

export class RegionSender {
  readonly #deps: SenderDeps;

  constructor(deps: SenderDeps) {
    this.#deps = deps;
  }

  async send(channel: ChannelRecord, message: Message): Promise<Sent> {
    const { key, regions } = this.#deps;
    const region = regions().get(channel.region ?? '');
    if (key === undefined) return { ok: false, detail: 'no region name is set' };
    if (region === undefined) return { ok: false, detail: 'region not known' };
    if (message.kind === 'acknowledgement') {
      const answer = await post(`${region.url}${REGION_ACTS_PATH}`, { note: message.body });
      return { ok: answer.status === 200, detail: detailOf(answer) };
    }
    if (message.kind === 'proof') return this.#sendProof(message, { key, region });
    return this.#sendAlert(channel, message, { key, region });
  }

  async #sendAlert({ channel }: ChannelRecord, message: Message, parties: Parties): Promise<Sent> {
    const alert = regionAlertOf(message, parties.key.vkey.name, parties.region.vkey.name);
    const proof = message.position === null ? null : await this.#proofOf(message.position);
    const received = await this.#offer(alert, proof, parties);
    if ('ok' in received) return received;
    if (message.position !== null)
      await this.#record(channel, parties.region, received, `receipt.${parties.region.name}.${alert.delivery}`);
    return { ok: true, detail: 'receipt checked' };
  }

  /** The very same note again, now with a proof under a checkpoint that is final here; the receiver may still ask for more witnesses. */
  async #sendProof({ body }: Message, parties: Parties): Promise<Sent> {
    const late = JSON.parse(body) as LateProof;
    const alert = regionAlertOf({ name: late.delivery, body: late.body }, parties.key.vkey.name, parties.region.vkey.name);
    const found = await this.#proofNow(Number(alert.message.data.record));
    if (found?.isFinal !== true) return { ok: false, detail: 'not final yet' };
    const received = await this.#offer(alert, found.proof, parties);
    if ('ok' in received) return received;
    const { proof: verdict } = received.receipt;
    if (verdict !== VERIFIED) return { ok: false, detail: verdict };
    await this.#record(late.channel, parties.region, received, `receipt.${parties.region.name}.${alert.delivery}.proven`);
    return { ok: true, detail: 'proof held' };
  }

  /** @returns the receipt, checked; or why there is none */
  async #offer(alert: RegionAlert, proof: object | null, { key, region }: Parties): Promise<Received | (Sent & { readonly ok: false })> {
    const answer = await post(`${region.url}${REGION_ALERTS_PATH}`, { note: key.sign('alert', alert), proof });
    if (answer.status !== 200) return { ok: false, detail: detailOf(answer) };
    const receipt = openRegionNote('receipt', String(answer.body['receipt'] ?? ''), [region.vkey]);
    if (!receipt.ok) return { ok: false, detail: 'receipt invalid' };
    const { value } = receipt.value;
    const isOurs =
      value.to === alert.from &&
      value.delivery === alert.delivery &&
      value.alert === alert.message.data.alert &&
      value.digest === regionNoteDigest(regionNoteText('alert', alert));
    return isOurs ? { note: String(answer.body['receipt']), receipt: value } : { ok: false, detail: 'receipt invalid' };
  }

  /** Before the message counts as delivered: what is not on record yet is asked for again, and the receiver answers the same. */
  async #record(channel: string, region: KnownRegion, { note, receipt }: Received, name: string): Promise<void> {
    const { delivery, alert } = receipt;
    const payload: RegionReceiptRecord = {
      type: 'region-receipt',
      region: region.name,
      channel,
      delivery,
      alert,
      note,
      vkey: formatVkey(region.vkey),
    };
    const record = { agency: CONTROL_AGENCY, dataset: REGIONS_DATASET, producer: region.name, messageId: `id:${name}`, payload };
    await this.#deps.ingest.writeRecords([record]);
  }

  /** Under a checkpoint that is final, else the newest one, else null. */
  async #proofOf(position: number): Promise<object | null> {
    for (let waitedMs = 0; ; waitedMs += PROOF_LOOK_EVERY_MS) {
      const found = await this.#proofNow(position);
      if (found?.isFinal === true || waitedMs >= PROOF_WAIT_MS) return found?.proof ?? null;
      await sleep(PROOF_LOOK_EVERY_MS);
    }
  }

  async #proofNow(position: number): Promise<{ readonly proof: object; readonly isFinal: boolean } | null> {
    const { ledger } = this.#deps;
    try {
      const { final, policy } = await ledger.info();
      const { anchors: _anchors, ...proof } = JSON.parse(await buildProof(position, this.#deps)) as Bundle;
      if (JSON.stringify(proof).length > REGION_PROOF_MAX_LENGTH) return null;
      const trust = parsePolicy(policy);
      const needsWitnesses = trust.ok && trust.value.quorum !== null;
      return { proof, isFinal: !needsWitnesses || (final !== null && proof.ledger.index < final.size) };
    } catch (error) {
      // Not anchored yet, or a service of ours is down.
      if (error instanceof AirtightError) return null;
      throw error;
    }
  }
}

/** What is looked at of a bundle's JSON. Anchors are left out: the receiver need not believe a time. */
interface Bundle {
  readonly anchors?: unknown;
  readonly ledger: { readonly index: number };
}

interface Answer {
  readonly status: number;
  readonly body: { readonly [name: string]: unknown };
}

/** Redirects are not followed: the address is the operator's word. @returns status 0 with the reason when nothing was answered */
async function post(url: string, body: object): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await boundedText(response);
    return { status: response.status, body: text === undefined ? {} : objectIn(text) };
  } catch (error) {
    const { name, cause } = error as { readonly name?: string; readonly cause?: { readonly code?: string } };
    return { status: 0, body: { code: name === 'TimeoutError' ? 'timeout' : (cause?.code ?? 'connection failed') } };
  }
}

async function boundedText({ body }: Response): Promise<string | undefined> {
  if (body === null) return undefined;
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > 2 * REGION_NOTE_MAX_LENGTH) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function objectIn(text: string): Answer['body'] {
  try {
    const json: unknown = JSON.parse(text);
    return json !== null && typeof json === 'object' ? (json as Answer['body']) : {};
  } catch {
    return {};
  }
}

/** Without names and addresses: the status, and a code where it is one. */
function detailOf({ status, body }: Answer): string {
  const code = typeof body['code'] === 'string' && /^[\w ]{1,40}$/.test(body['code']) ? body['code'] : '';
  return status === 0 ? code : `http ${status}${code === '' ? '' : ` ${code}`}`;
}
