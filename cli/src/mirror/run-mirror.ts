/** One run of a mirror: the ledger first, then the batches in it with their records, then the receipts of outside anchors; whatever contradicts is kept as evidence. */
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Code, sealText } from '@airtight/protocol';
import { tsaRootsOf } from '../audit/tsa-roots.ts';
import { EnvironmentError } from '../command.ts';
import { type DataDirectory, dataDirectory } from '../data-directory.ts';
import { type MirrorInfo, newMirror, readMirrorInfo, writeDurably } from './mirror-info.ts';
import { MirrorJournal } from './mirror-journal.ts';
import type { MirrorSource } from './mirror-source.ts';

export interface MirrorOrder {
  readonly source: MirrorSource;
  readonly out: string;
  /** The log's verifier key as the person knows it; undefined: that of the mirror, else as the source tells it. */
  readonly vkey: string | undefined;
  readonly onLedger: (done: number, total: number) => void;
  readonly onJournal: (info: MirrorInfo, ledgerSize: number) => void;
  readonly now: () => Date;
}

export interface MirrorFinding {
  readonly code: Extract<Code, 'MIRROR_CONTRADICTED'>;
  readonly kind: string;
  readonly detail: string;
  /** Relative to the mirror. */
  readonly evidence: string;
}

export interface MirrorResult {
  readonly ok: boolean;
  readonly ledger: { readonly size: number; readonly added: number };
  readonly batches: { readonly count: number; readonly added: number };
  readonly records: { readonly count: number; readonly added: number };
  /** Receipts of outside anchors. */
  readonly anchors: { readonly count: number; readonly added: number };
  readonly withheld: readonly string[];
  /** Whether the verifier key was taken from the source itself, on this first run. */
  readonly isKeyFromSource: boolean;
  readonly finding: MirrorFinding | null;
}

/** @throws EnvironmentError when the source cannot be read, or the mirror is of another log */
export async function runMirror({ source, out, vkey, onLedger, onJournal, now }: MirrorOrder): Promise<MirrorResult> {
  const data = dataDirectory(out);
  for (const folder of [data.root, data.journal, data.keys]) mkdirSync(folder, { recursive: true, mode: 0o750 });
  const { key, isFromSource } = await trustedKey(data, source, vkey);
  const before = readMirrorInfo(data) ?? newMirror(source.name);
  const { LogCopy, copyAnchors } = await import('@airtight/ledger');
  const copy = await LogCopy.open(data.ledger, key);
  const extension = await copy.extend(source.ledger, onLedger);
  const journal = new MirrorJournal(data, source, { ...before, source: source.name });
  let anchors = { count: 0, added: 0 };
  const resultWith = (finding: MirrorFinding | null): MirrorResult => ({
    ok: finding === null,
    ledger: { size: copy.size, added: extension.ok ? extension.added : 0 },
    batches: { count: journal.info.batches, added: journal.info.batches - before.batches },
    records: { count: journal.info.records, added: journal.info.records - before.records },
    anchors,
    withheld: journal.info.withheld,
    isKeyFromSource: isFromSource,
    finding,
  });
  if (!extension.ok) return resultWith(keepEvidence(data, source, extension.contradiction, now()));
  const wrong = await journal.take(copy.entries(before.nextEntry), (info) => onJournal(info, copy.size));
  const held = copy.size === 0 ? null : readFileSync(join(data.ledger, 'checkpoint'), 'utf8');
  if (wrong !== undefined) return resultWith(keepEvidence(data, source, { ...wrong, held }, now()));
  const taken = await copyAnchors({ dir: data.ledger, source: source.ledger, vkey: key, tsaRoots: await tsaRootsOf(data) });
  if (!taken.ok) return resultWith(keepEvidence(data, source, { kind: 'anchor', detail: taken.detail, held }, now()));
  anchors = { count: taken.count, added: taken.added };
  return resultWith(null);
}

/** The key that the person names, else the one that the mirror was begun with, else, the first time, the source's own. */
async function trustedKey(
  data: DataDirectory,
  source: MirrorSource,
  asked: string | undefined,
): Promise<{ readonly key: string; readonly isFromSource: boolean }> {
  const known = existsSync(data.ledgerVkeyFile) ? readFileSync(data.ledgerVkeyFile, 'utf8').trim() : undefined;
  if (asked !== undefined && known !== undefined && asked !== known) {
    throw new EnvironmentError({
      zh: `${data.root} 是 ${known} 的镜像，而不是 ${asked} 的。`,
      en: `${data.root} is a mirror of ${known}, not of ${asked}.`,
    });
  }
  const key = asked ?? known ?? (await source.vkey());
  if (known === undefined) writeDurably(data.ledgerVkeyFile, `${key}\n`);
  if (!existsSync(data.policyFile)) writeDurably(data.policyFile, `log ${key}\nquorum none\n`);
  return { key, isFromSource: asked === undefined && known === undefined };
}

interface Contradiction {
  readonly kind: string;
  readonly detail: string;
  /** The signed checkpoint that the mirror holds. */
  readonly held: string | null;
}

/** The same contradiction is kept once. */
function keepEvidence(data: DataDirectory, source: MirrorSource, contradiction: Contradiction, seenAt: Date): MirrorFinding {
  const folder = join(data.root, 'evidence');
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  const id = hash('sha256', JSON.stringify(contradiction), 'hex');
  const file = join(folder, `${id}.json`);
  const evidence = { format: 'airtight-mirror-evidence@1', source: source.name, seenAt: seenAt.toISOString(), ...contradiction };
  if (!existsSync(file)) writeDurably(file, sealText(JSON.stringify(evidence)));
  return { code: 'MIRROR_CONTRADICTED', kind: contradiction.kind, detail: contradiction.detail, evidence: `evidence/${id}.json` };
}
