/** The two sides of witnessing put together: cosigning for other logs, and having the own log cosigned. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatVkey, type Policy, parsePolicy, type Vkey, verifyQuorum } from '@airtight/tlog';
import type { Logger } from 'pino';
import type { LedgerConfig } from './config.ts';
import { CosignatureCollector } from './cosigning/collector.ts';
import { LedgerError } from './ledger-error.ts';
import type { OpenLog } from './log/ledger.ts';
import { ownTiles } from './log/own-tiles.ts';
import type { LedgerMetrics } from './metrics.ts';
import { nodeAlgorithms } from './signature-algorithms.ts';
import { isUnusedKey, markKeyUsed } from './signing-key-file.ts';
import { DurableFiles } from './storage/durable-files.ts';
import { nodeFileSystem } from './storage/file-system.ts';
import { openCosignedCheckpoints } from './witness/cosigned-checkpoints.ts';
import { type Contradiction, type EvidenceStore, openEvidenceStore } from './witness/evidence.ts';
import { completeContradiction } from './witness/fork-proof.ts';
import { type KnownLog, parseKnownLogs } from './witness/known-logs.ts';
import { PeerCheckpoints } from './witness/peer-checkpoints.ts';
import { Witness } from './witness/witness.ts';
import { WITNESS_FOLDER } from './witness/witness-folder.ts';
import { readWitnessKey } from './witness/witness-key.ts';

export interface WitnessingOptions {
  readonly config: LedgerConfig;
  readonly dir: string;
  readonly ledger: OpenLog;
  readonly metrics: LedgerMetrics;
  readonly logger: Logger;
  /** Appends entries to the own log. */
  readonly append: (entries: readonly Uint8Array[]) => Promise<unknown>;
  readonly onFailure: (error: unknown) => void;
}

export interface Witnessing {
  readonly witness: Witness | null;
  readonly evidence: EvidenceStore | null;
  readonly collector: CosignatureCollector | null;
  /** By which the own checkpoints are cosigned; null: nobody is asked. */
  readonly policy: Policy | null;
  close(): Promise<void>;
}

/**
 * Starts what the settings ask for.
 * @throws LedgerError LEDGER_KEY_INVALID, WITNESS_STATE_INVALID, CONFIG_INVALID
 */
export async function startWitnessing(options: WitnessingOptions): Promise<Witnessing> {
  const { config, dir } = options;
  if (config.witnessName === '' && config.policyFile === '') {
    return { witness: null, evidence: null, collector: null, policy: null, close: async () => undefined };
  }
  const files = new DurableFiles(nodeFileSystem, join(dir, WITNESS_FOLDER));
  await files.prepare();
  const keeper = new EvidenceKeeper(await openEvidenceStore(files), options);
  const witness = config.witnessName === '' ? null : await openWitness(files, keeper, options);
  const policy = config.policyFile === '' ? null : await readPolicy(config.policyFile, options.ledger.vkeys);
  const collector = policy === null ? null : await startCollector(policy, keeper, options);
  const { append, logger } = options;
  const peers = witness === null ? null : new PeerCheckpoints({ witness, append, intervalMs: config.peerCheckpointIntervalMs, logger });
  return {
    witness,
    evidence: keeper.store,
    collector,
    policy,
    close: async () => {
      await Promise.all([collector?.close(), peers?.close()]);
      await keeper.close();
    },
  };
}

async function openWitness(files: DurableFiles, keeper: EvidenceKeeper, { config, onFailure }: WitnessingOptions): Promise<Witness> {
  const key = await readWitnessKey(config.witnessKeyFile, config.witnessName);
  const logs = parseKnownLogs(await readSettingFile('witnessLogsFile', config.witnessLogsFile));
  const cosigned = await openCosignedCheckpoints(files, key, logs, await isUnusedKey(config.witnessKeyFile));
  await markKeyUsed(config.witnessKeyFile);
  return new Witness({
    key,
    logs,
    cosigned,
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    onContradiction: (contradiction, log) => keeper.keepOfPeer(contradiction, log),
    onFailure,
  });
}

async function startCollector(
  policy: Policy,
  keeper: EvidenceKeeper,
  { config, dir, ledger, metrics, logger }: WitnessingOptions,
): Promise<CosignatureCollector> {
  const origin = ledger.vkey.name;
  const before = ledger.final === null ? null : verifyQuorum(Buffer.from(ledger.final.note), policy, nodeAlgorithms);
  if (before?.ok === false) {
    logger.warn({ code: before.code, detail: before.detail }, 'the final checkpoint does not fulfil the policy; another one is waited for');
    await ledger.forgetFinal();
  }
  return new CosignatureCollector({
    ledger,
    policy,
    tiles: ownTiles(dir),
    intervalMs: config.cosigningIntervalMs,
    logger,
    monotonicMs: () => performance.now(),
    nowMs: Date.now,
    isFrozen: () => keeper.store.isProven(origin),
    onCosigned: (witness) => metrics.cosignatures.inc({ witness }),
    onRefused: (witness) => metrics.cosignatureFailures.inc({ witness }),
    onContradiction: (contradiction) => keeper.keep(contradiction, ledger.vkeys),
  });
}

/** A policy of another log, or one whose witnesses cannot be asked, would show only by cosignatures that never come. */
async function readPolicy(path: string, own: readonly Vkey[]): Promise<Policy> {
  const policy = parsePolicy(await readSettingFile('policyFile', path));
  if (!policy.ok) throw new LedgerError('CONFIG_INVALID', `policyFile: ${policy.detail}`);
  const { logs, witnesses } = policy.value;
  const isOwn = logs.length === 0 || logs.some(({ vkey }) => own.some((key) => formatVkey(key) === formatVkey(vkey)));
  if (!isOwn) throw new LedgerError('CONFIG_INVALID', `policyFile: none of its logs is ${own.map(formatVkey).join(' or ')}`);
  const wrong = witnesses.find(({ url }) => url !== undefined && !isWebAddress(url));
  if (wrong !== undefined) throw new LedgerError('CONFIG_INVALID', `policyFile: the address of ${wrong.name}, ${wrong.url}, is no URL`);
  return policy.value;
}

function isWebAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

function readSettingFile(setting: string, path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause) => {
    throw new LedgerError('CONFIG_INVALID', `${setting}: ${cause.message}`, { cause });
  });
}

/** Keeps evidence, counts it, and says so: nothing in a ledger's log weighs more. */
class EvidenceKeeper {
  readonly store: EvidenceStore;
  readonly #metrics: LedgerMetrics;
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  /** Proofs that are being fetched; by log, one at a time. */
  readonly #completing = new Map<string, Promise<void>>();

  constructor(store: EvidenceStore, { metrics, logger }: WitnessingOptions) {
    this.store = store;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  /** Of a log that this ledger cosigns: its own tiles may prove what its request did not. */
  async keepOfPeer(contradiction: Contradiction, log: KnownLog): Promise<void> {
    await this.keep(contradiction, log.vkeys);
    if (log.url === undefined || this.store.isProven(log.origin) || this.#completing.has(log.origin)) return;
    const done = completeContradiction(contradiction, log.url, this.#abort.signal)
      .then((completed) => (completed === null ? undefined : this.keep(completed, log.vkeys)))
      .catch((error) => this.#logger.warn({ err: error, origin: log.origin }, 'the tiles of a log that contradicts itself cannot be read'))
      .finally(() => this.#completing.delete(log.origin));
    this.#completing.set(log.origin, done);
  }

  async keep(contradiction: Contradiction, vkeys: readonly Vkey[]): Promise<void> {
    try {
      const kept = await this.store.keep(contradiction, vkeys, Date.now());
      if (kept === null) return;
      this.#metrics.evidence.inc({ proven: String(kept.proven !== null) });
      const { id, origin, witness, proven, heldSize, offeredSize } = kept;
      this.#logger.error({ id, origin, witness, proven, heldSize, offeredSize }, 'a log contradicts what was cosigned; evidence kept');
    } catch (error) {
      this.#logger.error({ err: error, origin: contradiction.origin }, 'evidence could not be kept');
    }
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#completing.values());
  }
}
