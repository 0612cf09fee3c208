/**
 * Every kind of file that a data directory holds, and what becomes of a changed bit in it. The bit-flip test goes by this
 * list, and an audit names a file that is of no kind.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * - `checked`: part of the evidence, or what guards it. An audit finds the bit and names the file.
 * - `derived`: made from the evidence. An audit finds the bit, or the file says the same as before; it can be made anew.
 * - `free`: nobody relies on the content; a change can stop something from working, never prove or hide anything.
 */
export type Guard = 'checked' | 'derived' | 'free';

export interface FileKind {
  readonly kind: string;
  /** Over the path in the data directory, with `/`. */
  readonly pattern: RegExp;
  readonly guard: Guard;
}

const SEGMENT = String.raw`\d{16}\.seg`;

export const FILE_KINDS: readonly FileKind[] = [
  { kind: 'journal segment', pattern: new RegExp(`^journal/records/${SEGMENT}$`), guard: 'checked' },
  { kind: 'compressed journal segment', pattern: new RegExp(`^journal/records/${SEGMENT}\\.zst$`), guard: 'checked' },
  { kind: 'batch segment', pattern: new RegExp(`^journal/batches/${SEGMENT}$`), guard: 'checked' },
  { kind: 'anchor segment', pattern: new RegExp(`^journal/anchors/${SEGMENT}$`), guard: 'checked' },
  { kind: 'quarantine segment', pattern: new RegExp(`^journal/quarantine/${SEGMENT}$`), guard: 'checked' },
  { kind: 'side index', pattern: /^journal\/(records|batches|anchors|quarantine)\/\d{16}\.idx$/, guard: 'derived' },
  { kind: 'draft of a segment', pattern: /^journal\/\w+\/\d{16}\.(seg|idx)(\.zst)?\.(new|tmp)$/, guard: 'free' },
  { kind: 'control snapshot', pattern: /^journal\/control\.snapshot\.json$/, guard: 'derived' },
  { kind: 'lock', pattern: /^journal\/writer\.lock(-journal|-wal|-shm)?$/, guard: 'free' },
  { kind: 'checkpoint', pattern: /^ledger\/checkpoint$/, guard: 'checked' },
  { kind: 'final checkpoint', pattern: /^ledger\/checkpoint\.final$/, guard: 'checked' },
  { kind: 'entry bundle', pattern: /^ledger\/tile\/entries\/(x\d{3}\/)*\d{3}(\.p\/\d+)?$/, guard: 'checked' },
  { kind: 'tile', pattern: /^ledger\/tile\/\d+\/(x\d{3}\/)*\d{3}(\.p\/\d+)?$/, guard: 'checked' },
  { kind: 'ledger database', pattern: /^ledger\/\.state\/ledger\.sqlite(-wal|-shm)?$/, guard: 'derived' },
  { kind: 'witness state', pattern: /^ledger\/witness\/(vkeys|[0-9a-f]{64}\/checkpoint)$/, guard: 'checked' },
  { kind: 'witness evidence', pattern: /^ledger\/witness\/evidence\/[0-9a-f]{64}\.json$/, guard: 'checked' },
  { kind: 'anchored checkpoint', pattern: /^ledger\/anchors\/\d+\/checkpoint$/, guard: 'checked' },
  { kind: 'time stamp', pattern: /^ledger\/anchors\/\d+\/tsa$/, guard: 'checked' },
  { kind: 'where an anchor stands', pattern: /^ledger\/anchors\/\d+\/(git|file)$/, guard: 'checked' },
  { kind: 'index of anchors', pattern: /^ledger\/anchors\/index$/, guard: 'checked' },
  { kind: 'outbox of anchors', pattern: /^ledger\/anchors\/\.state\/[a-z-]+$/, guard: 'free' },
  { kind: 'roots of time-stamping authorities', pattern: /^keys\/tsa-roots\.pem$/, guard: 'checked' },
  { kind: 'signing key', pattern: /^keys\/(ledger|next|witness|audit)\.key$/, guard: 'checked' },
  { kind: 'verifier key', pattern: /^keys\/(ledger|next|witness|audit)\.vkey$/, guard: 'checked' },
  { kind: 'mark of an unused key', pattern: /^keys\/[\w.-]+\.key\.unused$/, guard: 'free' },
  { kind: 'trust policy', pattern: /^keys\/(policy|witness-logs|region)$/, guard: 'checked' },
  { kind: 'keys of salts', pattern: /^keys\/salts\/(master\.key|\d{4}-\d{2}-\d{2}\.keys)$/, guard: 'checked' },
  { kind: 'draft of keys', pattern: /^keys\/salts\/[\w.-]+\.new$/, guard: 'free' },
  { kind: 'certificate', pattern: /^keys\/(ca|server)\.crt$/, guard: 'checked' },
  { kind: 'key of a certificate', pattern: /^keys\/(ca|server)\.key$/, guard: 'checked' },
  { kind: 'secrets of channels', pattern: /^keys\/channels\/[\w.-]+$/, guard: 'free' },
  { kind: 'internal token', pattern: /^keys\/internal\.token$/, guard: 'free' },
  { kind: 'secrets of made-up devices', pattern: /^keys\/(simulator|replay)\.json$/, guard: 'free' },
  { kind: 'quality state', pattern: /^store\/quality-state\.json$/, guard: 'derived' },
  { kind: 'contracts state', pattern: /^store\/contracts-state\.json$/, guard: 'derived' },
  { kind: 'store', pattern: /^store\/clickhouse\//, guard: 'derived' },
  { kind: 'spool', pattern: /^store\/spool\/\w+\.native$/, guard: 'free' },
  // What was delivered is on record; what waits is told again from the records.
  { kind: 'outbox of channels', pattern: /^channels\/outbox\.sqlite(-wal|-shm|-journal)?$/, guard: 'free' },
  { kind: 'import state', pattern: /^imports\/[0-9a-f]{64}\.json$/, guard: 'derived' },
  { kind: 'mirror state', pattern: /^mirror\.json$/, guard: 'derived' },
  { kind: 'evidence of a mirror', pattern: /^evidence\/[0-9a-f]{64}\.json$/, guard: 'checked' },
  { kind: 'audit state', pattern: /^audit\/progress\.json$/, guard: 'derived' },
  { kind: 'service log', pattern: /^logs\/[\w-]+\.log(\.\d+)?$/, guard: 'free' },
  { kind: 'where the services listen', pattern: /^running\.json$/, guard: 'free' },
  { kind: 'mark of the first start', pattern: /^first-start\.json$/, guard: 'free' },
];

/** @param path relative to the data directory, with `/` */
export function kindOf(path: string): FileKind | undefined {
  return FILE_KINDS.find(({ pattern }) => pattern.test(path));
}

/** Every file under a data directory, relative to it, with `/`. Files may come and go meanwhile. */
export function* filesIn(root: string, folder = ''): Generator<string> {
  const entries = readdirSync(join(root, folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* filesIn(root, path);
    else yield path;
  }
}
