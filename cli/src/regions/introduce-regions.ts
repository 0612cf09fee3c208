/** Lets the regions send each other their alerts: keys and policies as their operators would exchange them, and a channel for each. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHANNELS_DATASET, type ChannelRecord, CONTROL_AGENCY } from '@airtight/protocol';
import { stringify } from 'yaml';
import { writeSecret } from '../data-directory.ts';
import { LOOPBACK } from '../endpoints.ts';
import { IngestClient } from '../ingest-client.ts';
import { answers, waitUntil } from '../waiting.ts';
import type { Region } from './region.ts';

const POLL_MS = 200;

/** Writes whom each knows, and its channels to the others; what is on record already stays as it is. */
export async function introduceRegions(regions: readonly Region[], stop: AbortSignal): Promise<void> {
  // The api makes the key at its start; ingest takes the channels. Channels carry what comes after them: the sooner the better.
  const isThere = async (region: Region) => existsSync(vkeyFile(region)) && (await answers(`${ingestUrl(region)}/readyz`));
  if (!(await waitUntil(async () => (await Promise.all(regions.map(isThere))).every(Boolean), POLL_MS, stop))) return;
  for (const region of regions) {
    const others = regions.filter((other) => other !== region);
    writeSecret(join(keysFolder(region), 'regions.yaml'), stringify(Object.fromEntries(others.map((other) => [other.id, entryOf(other)]))));
    const token = readFileSync(region.data.internalTokenFile, 'utf8').trim();
    await new IngestClient(ingestUrl(region), token).writeRecords(others.map(channelTo));
  }
}

function entryOf(region: Region) {
  const { title, url, data } = region;
  return { title, url, vkey: readFileSync(vkeyFile(region), 'utf8').trim(), policy: readFileSync(data.policyFile, 'utf8') };
}

function channelTo({ id, title }: Region) {
  const payload: ChannelRecord = {
    ...{ type: 'channel', channel: id, kind: 'region', region: id, title, languages: ['zh', 'en'], filter: {} },
    ...{ namedOnly: false, confidential: false, disabled: false, removed: false, by: 'airtight' },
  };
  return { agency: CONTROL_AGENCY, dataset: CHANNELS_DATASET, producer: id, messageId: `id:${id}.demonstration`, payload };
}

function ingestUrl({ ports }: Region): string {
  return `http://${LOOPBACK}:${ports.ingest}`;
}

function keysFolder({ data }: Region): string {
  return join(data.keys, 'channels');
}

function vkeyFile(region: Region): string {
  return join(keysFolder(region), 'region.vkey');
}
