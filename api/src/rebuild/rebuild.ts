/**
 * Makes the store anew from the journal: into a new folder, which takes the old one's place when it is whole. The service
 * must be stopped, ingest must run.
 */
import { copyFile, rename, rm } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AirtightError, type Code, DatasetRegistry } from '@airtight/protocol';
import pino from 'pino';
import type { ApiConfig } from '../config.ts';
import { createEngine } from '../contracts/engine.ts';
import { readSnapshot, snapshotPathIn, snapshotText, writeSnapshot } from '../contracts/snapshot-file.ts';
import { decodeFrame } from '../decode/decoder.ts';
import { Births } from '../feed/births.ts';
import { FEED_MAX_BYTES } from '../feed/follower.ts';
import { Projector, readMarks } from '../project/projector.ts';
import { Store } from '../project/store.ts';
import { qualityPathIn, writeQualityState } from '../quality/quality-host.ts';
import { QualityStage } from '../quality/quality-stage.ts';
import { readToken, storeDirOf } from '../service.ts';
import { IngestClient } from '../upstream/ingest-client.ts';
import { AlertCheck, type AlertReport } from './alert-check.ts';
import { type AuditReport, auditTables } from './audit.ts';
import { digestTables, type StoreDigest } from './digest.ts';

export interface RebuildReport {
  /** Records of positions below were folded. */
  readonly through: number;
  /** Of these, records whose payload was removed by policy: they have no rows. */
  readonly expired: number;
  readonly alerts: AlertReport;
  /** ALERTS_MISMATCH when recorded alerts are not what the journal gives; null: they are. */
  readonly code: Extract<Code, 'ALERTS_MISMATCH'> | null;
}

/** Told now and then how far the rebuild is. */
export type OnProgress = (done: number, total: number) => void;

/**
 * Folds the whole journal into a new store and checks the recorded alerts against recomputed ones.
 * @throws AirtightError SERVICE_UNAVAILABLE when ingest is away or the store is in use, CONFIG_INVALID with a store by URL
 */
export async function rebuildStore(config: ApiConfig, onProgress: OnProgress = () => undefined): Promise<RebuildReport> {
  if (config.clickhouseUrl !== '')
    throw new AirtightError('CONFIG_INVALID', 'rebuild makes the embedded store anew; drop the database of a server by hand');
  const ingest = new IngestClient(config.ingestUrl, readToken(config));
  const dir = storeDirOf(config);
  const draft = `${dir}.rebuild`;
  await rm(draft, { recursive: true, force: true });
  const store = await Store.open({ dir: draft, clickhouseUrl: '' });
  let report: RebuildReport;
  try {
    const paths = { draft: snapshotPathIn(draft), old: snapshotPathIn(dir), quality: qualityPathIn(draft) };
    report = await foldJournal(store, ingest, paths, onProgress);
  } finally {
    await store.close();
  }
  await rm(`${dir}.old`, { recursive: true, force: true });
  await rename(dir, `${dir}.old`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(draft, dir);
  await rm(`${dir}.old`, { recursive: true, force: true });
  return report;
}

interface SnapshotPaths {
  /** Of the new store's quality stage. */
  readonly quality: string;
  readonly draft: string;
  readonly old: string;
}

async function foldJournal(store: Store, ingest: IngestClient, paths: SnapshotPaths, onProgress: OnProgress): Promise<RebuildReport> {
  const registry = new DatasetRegistry();
  const births = new Births(ingest);
  const engine = createEngine();
  const check = new AlertCheck();
  const quality = new QualityStage();
  const projector = new Projector(store, await readMarks(store), { logger: pino({ level: 'error' }) });
  const end = (await ingest.status()).head;
  projector.start();
  let next = 0;
  let expired = 0;
  while (next < end) {
    const chunk = await ingest.feed({ from: next, waitMs: 0, maxBytes: FEED_MAX_BYTES });
    if (chunk.next === next) throw new AirtightError('SERVICE_UNAVAILABLE', `the feed ended at ${next}, before ${end}`);
    for (const frame of await births.framesOf(chunk)) {
      if (frame.position >= end) break;
      const event = decodeFrame(frame, registry);
      if (event.kind === 'control' && event.record.type === 'retention') await projector.settled();
      projector.add(event, quality.take(event));
      if (event.kind === 'alert') check.recorded(event);
      if (event.kind === 'expired') check.expired(event.position, event.header.dataset);
      expired += event.kind === 'expired' ? 1 : 0;
      for (const effect of engine.apply(event)) check.computed(effect);
    }
    next = Math.min(chunk.next, end);
    onProgress(next, end);
    await projector.room();
    await nextTurn();
  }
  await projector.close();
  await writeQualityState(paths.quality, next, quality.state());
  const alerts = check.report();
  // The state cannot be made again without the payloads that were removed: the one that saw them is carried over.
  if (expired > 0) await carrySnapshot(paths, end);
  // With an effect that is not on record the service must fold from the beginning, to write it.
  else if (alerts.unrecorded === 0) await writeSnapshot(paths.draft, snapshotText({ next }, engine.snapshotParts()));
  return { through: next, expired, alerts, code: alerts.differences.length > 0 ? 'ALERTS_MISMATCH' : null };
}

/** Without one the service folds from the beginning, and writes nothing that belongs before its gaps (contracts/host.ts). */
async function carrySnapshot({ draft, old }: SnapshotPaths, end: number): Promise<void> {
  const snapshot = await readSnapshot(old);
  if (snapshot !== undefined && snapshot.next <= end) await copyFile(old, draft);
}

/** Digest over all tables of a stopped service's store. @throws AirtightError SERVICE_UNAVAILABLE when it is in use */
export async function digestStore(config: ApiConfig): Promise<StoreDigest> {
  return withStore(config, digestTables);
}

/** Compares a stopped service's store with the journal. @throws AirtightError SERVICE_UNAVAILABLE when it is in use or ingest is away */
export async function auditStore(config: ApiConfig, from = 0): Promise<AuditReport> {
  const ingest = new IngestClient(config.ingestUrl, readToken(config));
  return withStore(config, async (store) => {
    const marks = await readMarks(store);
    // A crash may have left one table a block behind the others: each is compared as far as it goes.
    const ends = {
      ...{ control: marks.control + 1, ticks: marks.ticks + 1, alerts: marks.alerts + 1, indices: marks.indices + 1 },
      ...{ verdicts: marks.verdicts + 1, observations: marks.observations + 1 },
    };
    return auditTables(store, ingest, ends, from);
  });
}

async function withStore<T>(config: ApiConfig, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await Store.open({ dir: storeDirOf(config), clickhouseUrl: config.clickhouseUrl });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
