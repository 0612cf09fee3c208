/** What people here do with alerts of other regions: signed by this region, on record, and sent back through the outbox. */
import { randomBytes } from 'node:crypto';
import {
  AirtightError,
  type ChannelRecord,
  CONTROL_AGENCY,
  REGIONS_DATASET,
  type RegionAct,
  type RegionActRecord,
  SEVERITIES,
  type Severity,
} from '@airtight/protocol';
import { formatVkey } from '@airtight/tlog';
import type { Identity } from '../accounts/identity.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import type { KnownRegion } from './known-regions.ts';
import type { ReceivedAlert } from './region-book.ts';
import type { RegionKey } from './region-key.ts';

const ACT_ID_BYTES = 16;

/** Channels by which answers go back: there for each region that is known, not to be set up. Their names cannot be a person's. */
export function replyChannels(regions: ReadonlyMap<string, KnownRegion>): readonly ChannelRecord[] {
  return [...regions.values()].map(({ name, title }) => ({
    ...{ type: 'channel', channel: replyChannel(name), kind: 'region', region: name, title, languages: ['zh', 'en'], filter: {} },
    ...{ namedOnly: true, confidential: false, disabled: false, removed: false, by: 'airtight' },
  }));
}

export function replyChannel(region: string): string {
  return `reply.${region}`;
}

/** What has become worse since must be acknowledged again. */
export function isAcknowledged({ messages, acts }: ReceivedAlert): boolean {
  const rankOf = (delivery: string) =>
    SEVERITIES.indexOf(messages.find(({ value }) => value.delivery === delivery)?.value.message.data.severity as Severity);
  const last = messages.at(-1)?.value.delivery ?? '';
  return acts.some(({ act }) => rankOf(act.delivery) >= rankOf(last));
}

/** @returns position of the record @throws AirtightError REGION_NAME_MISSING, SERVICE_UNAVAILABLE */
export async function acknowledge(
  alert: ReceivedAlert,
  { identity, comment }: { readonly identity: Identity; readonly comment: string },
  {
    key,
    ingest,
    now = Date.now,
  }: { readonly key: RegionKey | undefined; readonly ingest: Pick<IngestClient, 'writeRecords'>; readonly now?: () => number },
): Promise<number> {
  const last = alert.messages.at(-1);
  if (key === undefined || last === undefined) throw new AirtightError('REGION_NAME_MISSING', 'regionName');
  const act: RegionAct = {
    ...{ from: key.vkey.name, to: last.value.from, act: `act_${randomBytes(ACT_ID_BYTES).toString('hex')}`, type: 'acknowledge' },
    ...{ delivery: last.value.delivery, alert: alert.alert, digest: last.digest, at: new Date(now()).toISOString(), comment },
    ...{ by: identity.name ?? '', role: identity.role as RegionAct['role'] },
  };
  const payload: RegionActRecord = {
    ...{
      type: 'region-act',
      direction: 'sent',
      region: alert.region,
      delivery: act.delivery,
      alert: alert.alert,
      note: key.sign('act', act),
      vkey: formatVkey(key.vkey),
    },
  };
  const messageId = `id:region-act.${alert.region}.${act.act}`;
  const record = { agency: CONTROL_AGENCY, dataset: REGIONS_DATASET, producer: alert.region, messageId, payload };
  const [written] = await ingest.writeRecords([record]);
  if (written === undefined) throw new AirtightError('SERVICE_UNAVAILABLE', 'ingest answered no position');
  return written.position;
}
