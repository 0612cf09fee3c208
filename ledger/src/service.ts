/** The running service: log, sequencer and HTTP interface put together. */
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { formatVkey } from '@airtight/tlog';
import type { Logger } from 'pino';
import pino from 'pino';
import { startAnchoring } from './anchoring.ts';
import type { LedgerConfig } from './config.ts';
import type { CosignatureCollector, CosigningStatus } from './cosigning/collector.ts';
import { createServer } from './http/server.ts';
import { LedgerError } from './ledger-error.ts';
import { LogThread } from './log/log-thread.ts';
import { Sequencer } from './log/sequencer.ts';
import { createMetrics, type LedgerMetrics } from './metrics.ts';
import { startWitnessing } from './witnessing.ts';

export interface RunningLedger {
  readonly url: string;
  /** Finishes the commits that wait, then lets go of everything. */
  close(): Promise<void>;
}

/** The log's folder in a data directory. */
export function ledgerDirectory(dataDir: string): string {
  return join(dataDir, 'ledger');
}

/**
 * Starts the service. A key that has never signed gets its log created; any other key needs its log to be there.
 * @param onFailure called when the log can no longer be written and the process should be started again
 * @throws LedgerError as loadLedger; LEDGER_KEY_INVALID, CONFIG_INVALID
 */
export async function startLedger(
  config: LedgerConfig,
  logger: Logger = pino({ enabled: false }),
  onFailure: (error: unknown) => void = () => undefined,
): Promise<RunningLedger> {
  const dir = ledgerDirectory(config.dataDir);
  const token = await readToken(config.tokenFile);
  // The gauges read the ledger and the sequencer, which count into the metrics.
  const metrics = createMetrics({
    size: () => ledger.published.size,
    pending: () => sequencer.pendingEntries,
    finalSize: () => ledger.final?.size ?? 0,
    anchorLags: () => anchoring.lags(),
  });
  const fail = (error: unknown): void => {
    logger.fatal({ err: error }, 'what was to be stored could not be');
    onFailure(error);
  };
  const { origin, keyFile, nextKeyFile } = config;
  const events = { onSyncs: (count: number) => metrics.syncs.inc(count), onFatal: fail };
  const ledger = await LogThread.start({ dir, origin, keyFile, nextKeyFile }, events);
  let collector: CosignatureCollector | null = null;
  const sequencer = new Sequencer(ledger, {
    onCommit(commit) {
      countCommit(metrics, commit);
      collector?.wake();
    },
    onFailure: fail,
  });
  const append = (entries: readonly Uint8Array[]): Promise<unknown> => sequencer.add(entries);
  const witnessing = await startWitnessing({ config, dir, ledger, metrics, logger, append, onFailure: fail }).catch(async (error) => {
    await ledger.close();
    throw error;
  });
  collector = witnessing.collector;
  const anchoring = await startAnchoring({ config, dir, ledger, metrics, logger }).catch(async (error) => {
    await witnessing.close();
    await ledger.close();
    throw error;
  });
  const cosigningStatus = (): CosigningStatus | null => witnessing.collector?.status() ?? null;
  const server = createServer({ dir, ledger, sequencer, metrics, token, logger, witnessing, cosigningStatus, anchoring });
  const close = async (): Promise<void> => {
    await Promise.all([witnessing.close(), anchoring.close()]);
    await sequencer.close();
    await server.close();
    await ledger.close();
  };
  try {
    await server.listen({ host: config.host, port: config.port });
  } catch (error) {
    await close();
    throw error;
  }
  const { address, family, port } = server.server.address() as AddressInfo;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  logger.info({ url, origin: config.origin, vkey: formatVkey(ledger.vkey), size: ledger.published.size }, 'ledger listens');
  return { url, close };
}

async function readToken(path: string): Promise<string> {
  const token = await readFile(path, 'utf8').catch((cause) => {
    throw new LedgerError('CONFIG_INVALID', `tokenFile: ${cause.message}`, { cause });
  });
  if (token.trim() === '') throw new LedgerError('CONFIG_INVALID', `tokenFile: ${path} is empty`);
  return token.trim();
}

function countCommit(metrics: LedgerMetrics, { entries, added, durationMs }: { entries: number; added: number; durationMs: number }): void {
  metrics.entries.inc(added);
  metrics.repeats.inc(entries - added);
  if (added === 0) return;
  metrics.commits.inc();
  metrics.syncs.inc();
  metrics.commitSeconds.observe(durationMs / 1000);
}
