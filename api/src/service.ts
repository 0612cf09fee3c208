/** Puts the read side together and runs it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AirtightError, type SystemFault } from '@airtight/protocol';
import type { Logger } from 'pino';
import { Sessions } from './accounts/sessions.ts';
import { ChannelSecrets } from './channels/channel-secrets.ts';
import { ChannelsHost } from './channels/channels-host.ts';
import type { Send } from './channels/deliverer.ts';
import { Outbox, outboxPathIn } from './channels/outbox.ts';
import { sendersOf } from './channels/senders.ts';
import type { ApiConfig } from './config.ts';
import { EffectOutbox } from './contracts/effect-outbox.ts';
import { type ContractsEngine, createEngine } from './contracts/engine.ts';
import { ContractsHost } from './contracts/host.ts';
import { type ContractsSnapshot, readSnapshot, snapshotPathIn } from './contracts/snapshot-file.ts';
import { ControlState } from './control/control-state.ts';
import { Births } from './feed/births.ts';
import { followFeed } from './feed/follower.ts';
import { Fold } from './fold.ts';
import { ForkWatch } from './forks/fork-watch.ts';
import { readKnownLogs } from './forks/known-logs.ts';
import { AlertBook, alertById } from './project/alert-book.ts';
import { ClockSkews } from './project/clock-skew.ts';
import { loadControl } from './project/control-load.ts';
import { LatestValues } from './project/latest.ts';
import { Projector, readMarks } from './project/projector.ts';
import { ServiceBreaks } from './project/service-breaks.ts';
import { Store } from './project/store.ts';
import { yieldThreads } from './project/thread-priority.ts';
import { QualityHost, qualityPathIn, readQualityState } from './quality/quality-host.ts';
import { readDecided } from './query/quality.ts';
import { replyChannels } from './regions/region-acts.ts';
import { RegionReceiver } from './regions/region-receiver.ts';
import { RegionSender } from './regions/region-sender.ts';
import { type OwnRegion, ownRegion } from './regions/regions.ts';
import type { RouteContext } from './routes/context.ts';
import { buildServer } from './routes/server.ts';
import { StreamHub } from './stream/hub.ts';
import { IngestClient } from './upstream/ingest-client.ts';
import { LedgerClient } from './upstream/ledger-client.ts';
import { systemFaults } from './upstream/system-faults.ts';
import { UpstreamStatus } from './upstream/upstream-status.ts';

export interface RunningApi {
  /** e.g. http://127.0.0.1:8080 */
  readonly url: string;
  readonly context: RouteContext;
  /** Stops following, writes what was gathered, closes the store. */
  close(): Promise<void>;
}

/** Folder this service owns in the data directory. */
export function storeDirOf(config: Pick<ApiConfig, 'dataDir'>): string {
  return join(config.dataDir, 'store');
}

/** @throws AirtightError CONFIG_INVALID when there is no token */
export function readToken(config: Pick<ApiConfig, 'dataDir' | 'tokenFile'>): string {
  const path = config.tokenFile === '' ? join(config.dataDir, 'keys', 'internal.token') : config.tokenFile;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new AirtightError('CONFIG_INVALID', `tokenFile: ${path} cannot be read`, { cause: error });
  }
}

/**
 * Starts the service: resumes from what the tables say, then follows the journal and answers.
 * @throws AirtightError CONFIG_INVALID, SERVICE_UNAVAILABLE when the store is in use
 */
export async function startApi(config: ApiConfig, logger: Logger): Promise<RunningApi> {
  const internalToken = readToken(config);
  const ingest = new IngestClient(config.ingestUrl, internalToken);
  const ledger = new LedgerClient(config.ledgerUrl, internalToken);
  const vkey = readVkey(config);
  const logs = readKnownLogs(vkey, witnessLogsFileOf(config));
  const upstream = new UpstreamStatus({ ingest, ledger }, vkey, logger);
  const storeDir = storeDirOf(config);
  const store = await Store.open({ dir: storeDir, clickhouseUrl: config.clickhouseUrl });
  yieldThreads();
  const secrets = new ChannelSecrets(config.dataDir);
  /** Known before the first record is taken. */
  let url = '';
  const regions = ownRegion(config, logger);
  const sender = new RegionSender({ key: regions.key, regions: () => regions.known.all(), ingest, ledger });
  const stages = await loadStages(store, {
    ...{ ingest, config, regions, send: sendersOf(config, { secrets, ingest, regions: sender }) },
    storeDir,
    logger,
    ledger: () => upstream.ledger(),
    faults: (alerts) => systemFaults(upstream, alerts),
    url: () => url,
  });
  const fold = new Fold(stages, new Births(ingest), stages.from);
  logger.info({ from: stages.from, projected: stages.projector.through, contracts: stages.contracts.next }, 'resuming');
  const isRaised = async (alert: string) => stages.alerts.find(alert) !== undefined || (await alertById(store, alert)) !== undefined;
  const forks = new ForkWatch({ ledger, ingest, logs, isRaised, logger });
  const receiver = new RegionReceiver({
    ...{ key: regions.key, regions: () => regions.known.all(), book: stages.control.regionBook, ingest, fold },
    ...{ outbox: stages.channels.outbox, control: stages.control },
  });
  let fault: string | undefined = 'not connected yet';
  const context: RouteContext = {
    ...{ config, store, ingest, ledger, upstream, forks, fold, internalToken, storeDir },
    ...{ control: stages.control, latest: stages.latest, skew: stages.skew, alerts: stages.alerts, services: stages.services },
    ...{ projector: stages.projector, contracts: stages.contracts, stream: stages.stream, channels: stages.channels, secrets },
    ...{ regions, receiver },
    sessions: new Sessions(),
    feedFault: () => fault,
  };
  const app = await buildServer(context, logger, dashboardDirOf(config));
  await upstream.start();
  stages.projector.start();
  stages.contracts.start();
  stages.quality.start();
  stages.stream.start();
  forks.start();
  url = await app.listen({ host: config.host, port: config.port });
  const stop = new AbortController();
  const following = followFeed({
    ingest,
    from: stages.from,
    take: (chunk) => fold.take(chunk),
    signal: stop.signal,
    logger,
    onRound: (error) => {
      fault = error === undefined ? undefined : error instanceof Error ? error.message : String(error);
    },
  });
  return {
    url,
    context,
    close: async () => {
      stop.abort();
      stages.stream.close();
      await app.close();
      // A take that waits for room goes on when these close.
      await Promise.all([stages.projector.close(), stages.contracts.close(), stages.quality.close(), following]);
      await stages.channels.close();
      upstream.close();
      await forks.close();
      await store.close();
    },
  };
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

interface StageDeps {
  readonly ingest: IngestClient;
  readonly config: ApiConfig;
  readonly send: Send;
  readonly regions: OwnRegion;
  readonly storeDir: string;
  readonly logger: Logger;
  readonly ledger: () => ReturnType<UpstreamStatus['ledger']>;
  readonly faults: (alerts: AlertBook) => SystemFault[];
  /** Where this service listens. */
  readonly url: () => string;
}

/** Every stage as the tables and the contracts' snapshot have it, and where the earliest of them goes on. */
async function loadStages(store: Store, { ingest, config, send, regions, storeDir, logger, ledger, faults, url }: StageDeps) {
  const marks = await readMarks(store);
  const control = new ControlState();
  await loadControl(store, control);
  const latest = new LatestValues(control);
  await latest.load(store, marks.observations);
  const skew = new ClockSkews();
  await skew.load(store, marks.observations, control.datasets);
  const alerts = new AlertBook();
  await alerts.load(store, marks.alerts);
  const services = new ServiceBreaks();
  await services.load(store, marks.alerts);
  const projector = new Projector(store, marks, { logger, onRemoved: (removed) => latest.refresh(store, removed) });
  const snapshotPath = snapshotPathIn(storeDir);
  const { engine, ...state } = reviveEngine(await readSnapshot(snapshotPath), logger);
  const outbox = new EffectOutbox(ingest, logger);
  const contracts = new ContractsHost({ engine, ...state, outbox, snapshotPath, logger });
  const outbound = { outbox: new Outbox(outboxPathIn(config.dataDir)), ingest, control, alerts, send, logger };
  const replies = () => (regions.key === undefined ? [] : replyChannels(regions.known.all()));
  const publicUrl = config.publicUrl.replace(/\/$/, '');
  // Who can reach a service that listens on loopback reaches it there.
  const capUrl = () => (publicUrl === '' && LOOPBACK.has(config.host) ? url() : publicUrl);
  const { timeZone } = config;
  const channels = new ChannelsHost({ ...outbound, replies, publicUrl, capUrl, origin: () => ledger().origin, timeZone });
  const qualityPath = qualityPathIn(storeDir);
  const quality = new QualityHost({ saved: await readQualityState(qualityPath, projector.through), path: qualityPath, projector, logger });
  const from = Math.min(projector.through, contracts.next, quality.next);
  // The tables tell it only when they have the records.
  const decided = async (from: number, next: number) => (projector.through < next ? undefined : await readDecided(store, from, next));
  // What the stage of quality knows already it does not tell again.
  const stream = new StreamHub({
    from: quality.next,
    ingest,
    context: { datasets: control.datasets, flags: control.flags, datasetOf: (alert) => alerts.find(alert)?.dataset },
    decided,
    ledger,
    faults: () => faults(alerts),
  });
  return { control, latest, skew, alerts, services, quality, projector, contracts, channels, stream, from };
}

/** The engine from its snapshot; without a usable one it folds the journal from the beginning and comes to the same state. */
function reviveEngine(
  snapshot: ContractsSnapshot | undefined,
  logger: Logger,
): { readonly engine: ContractsEngine } & Omit<ContractsSnapshot, 'format' | 'state'> {
  if (snapshot !== undefined) {
    try {
      const { format: _format, state, ...rest } = snapshot;
      return { engine: createEngine(state), ...rest };
    } catch (error) {
      logger.warn({ err: error }, 'the saved state of the contracts cannot be used; folding the journal from its beginning');
    }
  }
  return { engine: createEngine(), next: 0 };
}

function readVkey(config: ApiConfig): string | undefined {
  const path = config.vkeyFile === '' ? join(config.dataDir, 'keys', 'ledger.vkey') : config.vkeyFile;
  if (!existsSync(path)) {
    if (config.vkeyFile !== '') throw new AirtightError('CONFIG_INVALID', `vkeyFile: ${path} is not there`);
    return undefined;
  }
  return readFileSync(path, 'utf8').trim();
}

function witnessLogsFileOf(config: ApiConfig): string {
  return config.witnessLogsFile === '' ? join(config.dataDir, 'keys', 'witness-logs') : config.witnessLogsFile;
}

function dashboardDirOf(config: ApiConfig): string {
  return config.dashboardDir === '' ? fileURLToPath(new URL('../../dashboard/dist', import.meta.url)) : config.dashboardDir;
}
