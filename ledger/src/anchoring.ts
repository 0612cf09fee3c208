/** Outside anchors put together: the sinks that the settings name, the store, and who brings checkpoints to them. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CoveringAnchor } from '@airtight/tlog';
import type { Logger } from 'pino';
import type { AnchorSink } from './anchoring/anchor-sink.ts';
import { ANCHORS_FOLDER, type AnchorStore, openAnchorStore } from './anchoring/anchor-store.ts';
import { Anchorer, type SinkStatus } from './anchoring/anchorer.ts';
import { FileSink, lengthInReceipt } from './anchoring/file-sink.ts';
import { GitSink } from './anchoring/git-sink.ts';
import { certificatesIn } from './anchoring/root-certificates.ts';
import { TimeStampSink } from './anchoring/time-stamp-sink.ts';
import type { LedgerConfig } from './config.ts';
import { LedgerError } from './ledger-error.ts';
import type { OpenLog } from './log/ledger.ts';
import type { LedgerMetrics } from './metrics.ts';
import { DurableFiles } from './storage/durable-files.ts';
import { nodeFileSystem } from './storage/file-system.ts';

export interface AnchoringOptions {
  readonly config: LedgerConfig;
  /** Directory of the log. */
  readonly dir: string;
  readonly ledger: OpenLog;
  readonly metrics: LedgerMetrics;
  readonly logger: Logger;
}

export interface Anchoring {
  status(): readonly SinkStatus[];
  lags(): readonly { readonly sink: string; readonly lagS: number }[];
  /** Of each sink the earliest receipt of a tree of at least this size. */
  covering(size: number): Promise<readonly CoveringAnchor[]>;
  close(): Promise<void>;
}

/**
 * Starts what the settings ask for. Receipts of sinks that are no longer asked stay, and go into proofs.
 * @throws LedgerError CONFIG_INVALID, ANCHOR_STATE_INVALID
 */
export async function startAnchoring({ config, dir, ledger, metrics, logger }: AnchoringOptions): Promise<Anchoring> {
  const files = new DurableFiles(nodeFileSystem, join(dir, ANCHORS_FOLDER));
  await files.prepare();
  const store = await openAnchorStore(files);
  const sinks = await sinksOf(config, store);
  const anchorer = new Anchorer({
    sinks,
    store,
    newest: () => newestToAnchor(ledger, config),
    nowMs: Date.now,
    logger,
    onAnchored: (sink) => metrics.anchors.inc({ sink }),
    onFailure: (sink) => metrics.anchorFailures.inc({ sink }),
  });
  return {
    status: () => anchorer.status(),
    lags: () => sinks.map(({ id }) => ({ sink: id, lagS: anchorer.lagSeconds(id) })),
    covering: (size) => readCovering(store, size),
    close: () => anchorer.close(),
  };
}

/** With a witness policy the checkpoint that its quorum has cosigned: an anchor is to stand for what others have seen too. */
function newestToAnchor(ledger: OpenLog, { policyFile }: LedgerConfig) {
  const checkpoint = policyFile === '' ? ledger.published : ledger.final;
  return checkpoint === null || checkpoint.size === 0 ? null : checkpoint;
}

async function readCovering(store: AnchorStore, size: number): Promise<readonly CoveringAnchor[]> {
  const anchors = store.covering(size).map(async (entry) => {
    const receipt = await store.receipt(entry);
    if (receipt === null) throw new LedgerError('ANCHOR_STATE_INVALID', `${entry.size}/${entry.sink} is not there`);
    const { body } = await store.target(entry.size);
    return { sink: entry.sink, kind: entry.kind, size: entry.size, checkpoint: body, receipt: Buffer.from(receipt).toString('base64') };
  });
  return Promise.all(anchors);
}

async function sinksOf(config: LedgerConfig, store: AnchorStore): Promise<AnchorSink[]> {
  const sinks: AnchorSink[] = [];
  const { anchorTsaUrl: url, anchorFile: path, anchorGitDir: gitDir } = config;
  if (url !== '') {
    const isWebAddress = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
    if (!isWebAddress) throw new LedgerError('CONFIG_INVALID', `anchorTsaUrl: ${url} is no web address`);
    const roots = await readRoots(config.anchorTsaRootsFile);
    sinks.push(new TimeStampSink({ url, roots, intervalMs: config.anchorTsaIntervalMs, nowMs: Date.now }));
  }
  if (path !== '') {
    const latest = store.latest('file');
    const receipt = latest === undefined ? null : await store.receipt(latest);
    const lengthBytes = receipt === null ? 0 : lengthInReceipt(receipt, path);
    sinks.push(new FileSink({ path, intervalMs: config.anchorFileIntervalMs, nowMs: Date.now, lengthBytes }));
  }
  if (gitDir !== '') {
    const isThere = await stat(join(gitDir, '.git')).catch(() => null);
    if (isThere === null) throw new LedgerError('CONFIG_INVALID', `anchorGitDir: ${gitDir} is no work tree of a git repository`);
    sinks.push(new GitSink({ dir: gitDir, remote: config.anchorGitRemote, intervalMs: config.anchorGitIntervalMs }));
  }
  return sinks;
}

/** Whose stamp is trusted is for people to say: without roots none would be. */
async function readRoots(path: string): Promise<readonly Uint8Array[]> {
  try {
    const roots = certificatesIn(await readFile(path, 'utf8'));
    if (roots.length > 0) return roots;
    throw new Error(`${path} holds no certificate`);
  } catch (cause) {
    throw new LedgerError('CONFIG_INVALID', `anchorTsaRootsFile: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
