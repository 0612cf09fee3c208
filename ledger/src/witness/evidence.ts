/**
 * Evidence that a log shows different histories to different people: both checkpoints that it signed, and the proof that
 * fails. One file each, `evidence/<id>.json`, kept for ever; anyone with the log's key can judge it (tlog/fork-evidence).
 */
import { createHash } from 'node:crypto';
import { encodeBase64, type ForkEvidenceFile, judgeFork, oldRootOfPath, readCheckpoint, type Vkey } from '@airtight/tlog';
import { LedgerError } from '../ledger-error.ts';
import { nodeSha256 } from '../log/sha256.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';
import type { DurableFiles } from '../storage/durable-files.ts';
import type { WrongFile } from './witness-folder.ts';

const EVIDENCE_FOLDER = 'evidence';
/** Per log. One proves as much as a hundred; more of them would let a log that forks fill the disk. */
export const PROVEN_MAX = 64;
/** What is not proven may come from anybody who can read the log's checkpoints. */
export const UNPROVEN_MAX = 16;

/** What was refused, and why. */
export interface Contradiction {
  readonly origin: string;
  /** Name of the witness that refused. */
  readonly witness: string;
  /** Signed checkpoint that this witness had cosigned. */
  readonly held: string;
  /** Signed checkpoint that it was asked to cosign. */
  readonly offered: string;
  /** Consistency proof that came with it. */
  readonly path: readonly Uint8Array[];
  /** Root of the offered tree at the held size, where it is known from elsewhere than the proof. */
  readonly otherRoot?: Uint8Array;
  readonly detail: string;
}

export type EvidenceSummary = Omit<ForkEvidenceFile, 'held' | 'offered' | 'path' | 'otherRoot' | 'digest'>;

export class EvidenceStore {
  readonly #files: DurableFiles;
  readonly #known: Map<string, EvidenceSummary>;
  /** One file at a time: what is listed is there. */
  #turn: Promise<unknown> = Promise.resolve();

  /** For openEvidenceStore. */
  constructor(files: DurableFiles, known: Map<string, EvidenceSummary>) {
    this.#files = files;
    this.#known = known;
  }

  /** Newest first. */
  list(): readonly EvidenceSummary[] {
    return [...this.#known.values()].sort((a, b) => b.seenAt.localeCompare(a.seenAt) || a.id.localeCompare(b.id));
  }

  /** True when a log is proven to have two histories. */
  isProven(origin: string): boolean {
    return [...this.#known.values()].some((evidence) => evidence.origin === origin && evidence.proven !== null);
  }

  /** The bytes of an evidence file; null when there is none of this id. */
  async read(id: string): Promise<Uint8Array | null> {
    return this.#known.has(id) ? this.#files.read(fileOf(id)) : null;
  }

  /**
   * Keeps evidence, durably. What is known already is kept once; what was not proven is replaced by what is.
   * @param vkeys the log's keys
   * @returns the new evidence; null when nothing was added, because it is known or because there is enough of it
   */
  keep(contradiction: Contradiction, vkeys: readonly Vkey[], seenAtMs: number): Promise<EvidenceSummary | null> {
    const kept = this.#turn.then(() => this.#keep(evidenceOf(contradiction, vkeys, seenAtMs)));
    this.#turn = kept.catch(() => undefined);
    return kept;
  }

  async #keep(evidence: ForkEvidenceFile): Promise<EvidenceSummary | null> {
    const before = this.#known.get(evidence.id);
    if (before !== undefined && (before.proven !== null || evidence.proven === null)) return null;
    const isProven = evidence.proven !== null;
    const alike = this.list().filter(({ origin, proven }) => origin === evidence.origin && (proven !== null) === isProven);
    if (alike.length >= (isProven ? PROVEN_MAX : UNPROVEN_MAX)) return null;
    await this.#files.write([{ path: fileOf(evidence.id), bytes: Buffer.from(formatEvidence(evidence)) }]);
    const summary = summaryOf(evidence);
    this.#known.set(evidence.id, summary);
    return summary;
  }
}

/** @throws LedgerError WITNESS_STATE_INVALID when a file is not evidence */
export async function openEvidenceStore(files: DurableFiles): Promise<EvidenceStore> {
  const known = new Map<string, EvidenceSummary>();
  for await (const { path, evidence } of evidenceFiles(files)) {
    if (evidence === null) throw new LedgerError('WITNESS_STATE_INVALID', `${path} is not evidence`);
    known.set(evidence.id, summaryOf(evidence));
  }
  return new EvidenceStore(files, known);
}

/** Evidence files that are none. */
export async function findWrongEvidence(files: Pick<DurableFiles, 'list' | 'read'>): Promise<readonly WrongFile[]> {
  const wrong: WrongFile[] = [];
  for await (const { path, evidence } of evidenceFiles(files)) if (evidence === null) wrong.push({ path, detail: 'not evidence' });
  return wrong;
}

async function* evidenceFiles(
  files: Pick<DurableFiles, 'list' | 'read'>,
): AsyncGenerator<{ path: string; evidence: ForkEvidenceFile | null }> {
  for (const name of await files.list(EVIDENCE_FOLDER)) {
    if (!name.endsWith('.json')) continue;
    const path = `${EVIDENCE_FOLDER}/${name}`;
    const evidence = parseEvidence((await files.read(path)) ?? new Uint8Array(0));
    yield { path, evidence: evidence !== null && path === fileOf(evidence.id) ? evidence : null };
  }
}

function fileOf(id: string): string {
  return `${EVIDENCE_FOLDER}/${id}.json`;
}

function evidenceOf(
  { origin, witness, held, offered, path, detail, ...given }: Contradiction,
  vkeys: readonly Vkey[],
  seenAtMs: number,
): ForkEvidenceFile {
  const [older, newer] = [checkpointOf(held), checkpointOf(offered)];
  const otherRoot =
    given.otherRoot ?? oldRootOfPath({ oldSize: older.size, newSize: newer.size, newRoot: newer.root, path }, nodeSha256) ?? undefined;
  const fork = { held: Buffer.from(held), offered: Buffer.from(offered), path, ...(otherRoot === undefined ? {} : { otherRoot }) };
  const judged = judgeFork(fork, vkeys, nodeAlgorithms, nodeSha256);
  const evidence = {
    v: 1,
    id: contradictionId(held, offered),
    origin,
    witness,
    proven: judged.ok ? judged.value : null,
    seenAt: new Date(seenAtMs).toISOString(),
    heldSize: older.size,
    offeredSize: newer.size,
    held,
    offered,
    path: path.map(encodeBase64),
    otherRoot: otherRoot === undefined ? null : encodeBase64(otherRoot),
    detail,
  } as const;
  return { ...evidence, digest: digestOf(evidence) };
}

function formatEvidence(evidence: ForkEvidenceFile): string {
  return `${JSON.stringify(evidence, null, 1)}\n`;
}

function digestOf(evidence: Omit<ForkEvidenceFile, 'digest'>): string {
  return createHash('sha256').update(JSON.stringify(evidence)).digest('hex');
}

/** Only checkpoints that were opened before come here. */
function checkpointOf(note: string): { readonly size: number; readonly root: Uint8Array } {
  const checkpoint = readCheckpoint(Buffer.from(note));
  if (!checkpoint.ok) throw new Error(`${checkpoint.code}: ${checkpoint.detail}`);
  return checkpoint.value;
}

function contradictionId(held: string, offered: string): string {
  const textOf = (note: string): string => note.slice(0, note.lastIndexOf('\n\n') + 1);
  return createHash('sha256')
    .update(`${textOf(held)}\n${textOf(offered)}`)
    .digest('hex');
}

function summaryOf({ v, id, origin, witness, proven, seenAt, heldSize, offeredSize, detail }: ForkEvidenceFile): EvidenceSummary {
  return { v, id, origin, witness, proven, seenAt, heldSize, offeredSize, detail };
}

function parseEvidence(bytes: Uint8Array): ForkEvidenceFile | null {
  try {
    const evidence = JSON.parse(Buffer.from(bytes).toString()) as ForkEvidenceFile;
    const { digest, ...rest } = evidence;
    const isWhole = evidence.v === 1 && digest === digestOf(rest) && Buffer.from(formatEvidence(evidence)).equals(bytes);
    return isWhole && evidence.id === contradictionId(evidence.held, evidence.offered) ? evidence : null;
  } catch {
    return null;
  }
}
