/**
 * Has the log's checkpoints cosigned by the witnesses of its policy. The log never waits for them: a checkpoint is public
 * when the log has signed it, takes each cosignature as it comes, and is final when the policy's quorum is reached.
 *
 * All witnesses are asked for the same checkpoint, the target; a log that grows all the time would otherwise never have
 * enough cosignatures of one size. The next target is taken when this one is final, or after a while when it is not.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  consistencyFromTiles,
  cosignersOf,
  formatNote,
  isQuorumMet,
  type NoteSignature,
  oldRootFromTiles,
  openCheckpoint,
  type Policy,
  type PolicyWitness,
  parseNote,
  type TileSource,
} from '@airtight/tlog';
import type { Logger } from 'pino';
import type { OpenLog, PublishedCheckpoint } from '../log/ledger.ts';
import { nodeSha256 } from '../log/sha256.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';
import type { Contradiction } from '../witness/evidence.ts';
import { type CosigningOutcome, WitnessClient } from './witness-client.ts';

/** Time for further witnesses to join a checkpoint that is final already. */
const JOIN_MS = 1000;
/** A target without quorum is given up for a newer checkpoint after this. */
const TARGET_MAX_MS = 5000;
/** A log that stands still has its checkpoint cosigned anew, so that everyone sees that it is alive. */
const REFRESH_MS = 60_000;
/** How often it is looked whether the next target is due. */
const TICK_MS = 100;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 10_000;

export interface CollectorOptions {
  readonly ledger: OpenLog;
  /** Its witnesses with a URL are asked. */
  readonly policy: Policy;
  /** Tiles of the own log. */
  readonly tiles: TileSource;
  /** At most one checkpoint in this time is brought to the witnesses. */
  readonly intervalMs: number;
  readonly logger: Logger;
  /** A clock that does not go back, ms. */
  readonly monotonicMs: () => number;
  /** Wall clock, epoch ms. */
  readonly nowMs: () => number;
  /** True when the own log is proven to have two histories: nothing is final any more. */
  readonly isFrozen: () => boolean;
  readonly onCosigned: (witness: string) => void;
  readonly onRefused: (witness: string) => void;
  /** Must not reject. */
  readonly onContradiction: (contradiction: Contradiction) => Promise<void>;
}

export interface WitnessStatus {
  /** As the policy calls it. */
  readonly name: string;
  /** Name of its key. */
  readonly witness: string;
  readonly url: string | null;
  /** Latest size it has cosigned, and when, RFC 3339. */
  readonly size: number | null;
  readonly cosignedAt: string | null;
  /** What went wrong since, the latest time. */
  readonly error: { readonly at: string; readonly detail: string } | null;
}

export interface CosigningStatus {
  readonly size: number;
  readonly finalSize: number | null;
  readonly quorum: string | null;
  /** The latest checkpoint has its quorum. */
  readonly isFinal: boolean;
  /** Own history contradicted: see the evidence. */
  readonly isFrozen: boolean;
  readonly witnesses: readonly WitnessStatus[];
}

interface Target extends PublishedCheckpoint {
  readonly startedMs: number;
  readonly cosignatures: Map<string, NoteSignature>;
  /** Names of the witnesses that have not answered yet. */
  readonly pending: Set<string>;
  /** Names of those of them that will not cosign this checkpoint, however often they are asked. */
  readonly refused: Set<string>;
}

interface WitnessState {
  size: number | null;
  cosignedAtMs: number | null;
  error: { readonly atMs: number; readonly detail: string } | null;
}

export class CosignatureCollector {
  readonly #options: CollectorOptions;
  readonly #abort = new AbortController();
  readonly #states = new Map<string, WitnessState>();
  readonly #workers: readonly Promise<void>[];
  readonly #timer: NodeJS.Timeout;
  #target: Target | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(options: CollectorOptions) {
    this.#options = options;
    const { witnesses } = options.policy;
    for (const { name } of witnesses) this.#states.set(name, { size: null, cosignedAtMs: null, error: null });
    this.#takeTarget();
    this.#timer = setInterval(() => this.wake(), TICK_MS);
    this.#workers = witnesses.map((witness) => this.#serve(witness));
  }

  /** Tells that there may be a new checkpoint. */
  wake(): void {
    if (this.#isTargetDue()) this.#takeTarget();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#abort.abort();
    // Nobody waits for another target.
    this.#changed.resolve();
    await Promise.all(this.#workers);
  }

  status(): CosigningStatus {
    const { ledger, policy, isFrozen } = this.#options;
    const { size } = ledger.published;
    const rfc3339 = (ms: number): string => new Date(ms).toISOString();
    return {
      size,
      finalSize: ledger.final?.size ?? null,
      quorum: policy.quorum,
      isFinal: ledger.final?.size === size,
      isFrozen: isFrozen(),
      witnesses: policy.witnesses.map(({ name, vkey, url }) => {
        const state = this.#states.get(name) as WitnessState;
        return {
          name,
          witness: vkey.name,
          url: url ?? null,
          size: state.size,
          cosignedAt: state.cosignedAtMs === null ? null : rfc3339(state.cosignedAtMs),
          error: state.error === null ? null : { at: rfc3339(state.error.atMs), detail: state.error.detail },
        };
      }),
    };
  }

  #isTargetDue(): boolean {
    const target = this.#target;
    if (target === undefined) return true;
    const { ledger, intervalMs, monotonicMs } = this.#options;
    const ageMs = monotonicMs() - target.startedMs;
    const isSettled = this.#hasQuorum(target) && (target.pending.size === 0 || ageMs >= JOIN_MS);
    if (ledger.published.size === target.size) return (isSettled || target.pending.size === 0) && ageMs >= REFRESH_MS;
    const isHopeless = target.pending.size === target.refused.size;
    return ageMs >= intervalMs && (isSettled || isHopeless || ageMs >= TARGET_MAX_MS);
  }

  #takeTarget(): void {
    const { ledger, policy, monotonicMs } = this.#options;
    const { size, root, note } = ledger.published;
    const { own, cosignatures } = this.#split(note);
    const asked = policy.witnesses.filter(({ url }) => url !== undefined).map(({ name }) => name);
    this.#target = { size, root, note: own, startedMs: monotonicMs(), cosignatures, pending: new Set(asked), refused: new Set() };
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    if (this.#hasQuorum(this.#target)) void this.#publish(this.#target);
  }

  /** The note with the log's own signatures alone, and the cosignatures that it has already. */
  #split(note: string): { own: string; cosignatures: Map<string, NoteSignature> } {
    const { ledger, policy } = this.#options;
    const parsed = parseNote(Buffer.from(note));
    if (!parsed.ok) throw new Error(`the published checkpoint: ${parsed.detail}`);
    const { text, signatures } = parsed.value;
    const ofKey = (vkey: { name: string; keyId: number }) =>
      signatures.find(({ name, keyId }) => name === vkey.name && keyId === vkey.keyId) ?? [];
    const own = formatNote(text, ledger.vkeys.flatMap(ofKey));
    const cosigners = cosignersOf(Buffer.from(note), policy, nodeAlgorithms);
    const known = cosigners.ok ? cosigners.value : [];
    return { own, cosignatures: new Map(known.flatMap(({ name, vkey }) => [ofKey(vkey)].flat().map((line) => [name, line] as const))) };
  }

  #hasQuorum({ cosignatures }: Target): boolean {
    return isQuorumMet(this.#options.policy, new Set(cosignatures.keys()));
  }

  /** Brings each target to one witness, until the collector closes. */
  async #serve({ name, vkey, url }: PolicyWitness): Promise<void> {
    if (url === undefined) return;
    const { signal } = this.#abort;
    const client = new WitnessClient(url, vkey, this.#options.tiles, signal);
    let retryMs = RETRY_FIRST_MS;
    while (!signal.aborted) {
      const target = this.#target;
      if (target === undefined || !target.pending.has(name)) {
        await this.#changed.promise;
        continue;
      }
      const failure = await this.#ask(client, target, name).catch((error: unknown) => describe(error));
      if (signal.aborted) return;
      if (failure === null) retryMs = RETRY_FIRST_MS;
      else {
        this.#noteFailure(name, failure);
        await this.#pause(retryMs);
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
      }
    }
  }

  /** Ends early with a new target, and when the collector closes. */
  async #pause(ms: number): Promise<void> {
    const timer = new AbortController();
    await Promise.race([delay(ms, undefined, { signal: timer.signal }).catch(() => undefined), this.#changed.promise]);
    timer.abort();
  }

  /** @returns what is wrong; null when the witness has cosigned */
  async #ask(client: WitnessClient, target: Target, name: string): Promise<string | null> {
    const outcome = await client.cosign(target);
    if (outcome.kind !== 'cosigned') return this.#explain(outcome, client, target, name);
    target.cosignatures.set(name, outcome.signature);
    target.pending.delete(name);
    target.refused.delete(name);
    // Before the checkpoint can be seen to be final: who reads that must not read an error that is over.
    this.#noteSuccess(name, target.size, outcome.timeS);
    await this.#publish(target);
    this.wake();
    return null;
  }

  async #explain(
    outcome: Exclude<CosigningOutcome, { kind: 'cosigned' }>,
    client: WitnessClient,
    target: Target,
    name: string,
  ): Promise<string> {
    if (outcome.kind === 'refused') return outcome.detail;
    target.refused.add(name);
    if (outcome.kind === 'ahead') return `has cosigned size ${outcome.size}; this log has ${target.size}: is it an old copy?`;
    const held = await client.latest(this.#options.ledger.vkey.name);
    if (held !== null) await this.#keepContradiction(held, target, name, outcome.detail);
    return outcome.detail;
  }

  /** The own tree as it stands, against what the witness holds: both signed by the own key. */
  async #keepContradiction(held: string, target: Target, name: string, detail: string): Promise<void> {
    const { ledger, policy, tiles, onContradiction } = this.#options;
    const opened = openCheckpoint(Buffer.from(held), ledger.vkeys, nodeAlgorithms);
    if (!opened.ok || opened.value.size > target.size || opened.value.size === 0) return;
    const { origin, size } = opened.value;
    const witness = policy.witnesses.find((candidate) => candidate.name === name)?.vkey.name ?? name;
    const otherRoot = size === target.size ? target.root : await oldRootFromTiles(tiles, size, target.size, nodeSha256);
    const path = size === target.size ? [] : await consistencyFromTiles(tiles, size, target.size, nodeSha256);
    await onContradiction({ origin, witness, held, offered: target.note, path, otherRoot, detail });
  }

  async #publish({ size, root, note, cosignatures }: Target): Promise<void> {
    const { ledger, policy, isFrozen, logger } = this.#options;
    const parsed = parseNote(Buffer.from(note));
    if (!parsed.ok) throw new Error(`the log's own note: ${parsed.detail}`);
    const lines = policy.witnesses.flatMap(({ name }) => cosignatures.get(name) ?? []);
    const cosigned = { size, root, note: formatNote(parsed.value.text, [...parsed.value.signatures, ...lines]) };
    const isFinal = isQuorumMet(policy, new Set(cosignatures.keys())) && !isFrozen();
    await ledger.publishCosigned(cosigned, isFinal).catch((error) => {
      logger.error({ err: error, size }, 'cosignatures were not published');
    });
  }

  #noteSuccess(name: string, size: number, timeS: number): void {
    const { logger, onCosigned } = this.#options;
    const wasFailing = this.#states.get(name)?.error != null;
    this.#states.set(name, { size, cosignedAtMs: timeS * 1000, error: null });
    onCosigned(name);
    if (wasFailing) logger.info({ witness: name }, 'the witness cosigns again');
  }

  #noteFailure(name: string, detail: string): void {
    const { logger, nowMs, onRefused } = this.#options;
    const state = this.#states.get(name) as WitnessState;
    const isKnown = state.error?.detail === detail;
    state.error = { atMs: nowMs(), detail };
    onRefused(name);
    if (!isKnown) logger.warn({ witness: name, detail }, 'the witness does not cosign; trying again');
  }
}

/** fetch hides the reason in the cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
