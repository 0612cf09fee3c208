/**
 * The outside anchors of another party's log, taken over into a copy of it: each receipt is checked before it is kept, and
 * the index only ever grows.
 */
import { join } from 'node:path';
import { ANCHORS_FOLDER, INDEX_FILE, type IndexedAnchor, readIndex } from '../anchoring/anchor-store.ts';
import { anchorFaults, anchorPaths, rootsOf } from '../audit/audit-anchors.ts';
import { LedgerError } from '../ledger-error.ts';
import { DurableFiles, type LedgerFile } from '../storage/durable-files.ts';
import { nodeFileSystem } from '../storage/file-system.ts';
import type { LogSource } from './log-copy.ts';

/** Anchors that are fetched at the same time, and written together: enough to hide the way to the other side. */
const ANCHORS_AT_A_TIME = 16;

export interface AnchorCopyOrder {
  /** Directory of the copy of the log, which was brought up to date before. */
  readonly dir: string;
  readonly source: LogSource;
  /** Verifier key of the log. */
  readonly vkey: string;
  /** DER of the roots that are trusted; none: the path to a root is not looked at. */
  readonly tsaRoots: readonly Uint8Array[];
}

export type AnchorExtension =
  | { readonly ok: true; readonly count: number; readonly added: number }
  /** The first that is wrong; nothing of it is kept. */
  | { readonly ok: false; readonly detail: string };

/** Takes over what the source has been given since, as far as the copy of the log goes. */
export async function copyAnchors({ dir, source, vkey, tsaRoots }: AnchorCopyOrder): Promise<AnchorExtension> {
  const files = new DurableFiles(nodeFileSystem, join(dir, ANCHORS_FOLDER));
  const held = (await files.read(INDEX_FILE)) ?? new Uint8Array(0);
  const offered = (await source.read(`${ANCHORS_FOLDER}/${INDEX_FILE}`)) ?? new Uint8Array(0);
  if (Buffer.compare(Buffer.from(offered).subarray(0, held.length), held) !== 0)
    return { ok: false, detail: `${INDEX_FILE}: it does not begin with the ${held.length} bytes that are held` };
  const index = Buffer.from(offered).toString();
  const entries = entriesOf(index);
  if (typeof entries === 'string') return { ok: false, detail: entries };
  const rootAt = await rootsOf(dir, vkey);
  const lines = index.split('\n');
  const before = Buffer.from(held).toString().split('\n').length - 1;
  let count = before;
  if (entries.length > count) await files.prepare();
  while (count < entries.length) {
    const part = await withinCopy(entries.slice(count, count + ANCHORS_AT_A_TIME), rootAt);
    if (part.length === 0) break;
    const fetched = await Promise.all(part.map((entry) => fetchAnchor(entry, source, { rootAt, tsaRoots })));
    const wrong = fetched.find((one) => typeof one === 'string');
    if (wrong !== undefined) return { ok: false, detail: wrong };
    count += part.length;
    const bytes = Buffer.from(`${lines.slice(0, count).join('\n')}\n`);
    await files.write(sameOnce(fetched.filter((one) => typeof one !== 'string').flat()), { path: INDEX_FILE, bytes });
  }
  return { ok: true, count, added: count - before };
}

/** Up to the first that is of a larger log than the copy: it came while the copy was made, and is the next run's. */
async function withinCopy(
  entries: readonly IndexedAnchor[],
  rootAt: (size: number) => Promise<string | null>,
): Promise<readonly IndexedAnchor[]> {
  for (const [at, { size }] of entries.entries()) if ((await rootAt(size)) === null) return entries.slice(0, at);
  return entries;
}

async function fetchAnchor(
  entry: IndexedAnchor,
  source: LogSource,
  trust: { readonly rootAt: (size: number) => Promise<string | null>; readonly tsaRoots: readonly Uint8Array[] },
): Promise<readonly LedgerFile[] | string> {
  const paths = anchorPaths(entry);
  const [note, receipt] = await Promise.all([paths.checkpoint, paths.receipt].map((path) => source.read(`${ANCHORS_FOLDER}/${path}`)));
  const [fault] = await anchorFaults({ entry, note: note ?? null, receipt: receipt ?? null, ...trust });
  if (fault !== undefined || !note || !receipt) return `${fault?.file}: ${fault?.detail}`;
  return [
    { path: paths.checkpoint, bytes: note },
    { path: paths.receipt, bytes: receipt },
  ];
}

/** Two sinks may have been given the same checkpoint. */
function sameOnce(files: readonly LedgerFile[]): readonly LedgerFile[] {
  return [...new Map(files.map((file) => [file.path, file])).values()];
}

function entriesOf(index: string): readonly IndexedAnchor[] | string {
  try {
    return index === '' ? [] : readIndex(index);
  } catch (error) {
    if (error instanceof LedgerError) return error.detail;
    throw error;
  }
}
