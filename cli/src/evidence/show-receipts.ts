/** Receipts that a device kept, each held against the proof of its record: from the running platform, or from files beside them. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CODES,
  type Code,
  type LedgerEntryProof,
  missingRecord,
  type ProofOptions,
  parseReceipts,
  type ReceiptVerdict,
  type RecordReceipt,
  verifyProof,
  verifyReceipt,
} from '@airtight/protocol';
import {
  entryBundlePath,
  inclusionFromTiles,
  type Policy,
  type ProofBundle,
  parseBundle,
  readCheckpoint,
  splitEntries,
  TILE_WIDTH,
  tileWidth,
} from '@airtight/tlog';
import { type ApiClient, ApiRefusal } from '../api-client.ts';
import { EnvironmentError, EXIT, type ExitCode } from '../command.ts';
import type { MirrorSource } from '../mirror/mirror-source.ts';
import { grouped } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';

/** Where the record of a receipt is looked for. */
export interface RecordsShown {
  /** @returns the bundle, or the code with which it is refused */
  proof(record: string): Promise<ProofBundle | Code>;
  /** An entry of the public ledger; undefined where it cannot be had. */
  entry(index: number): Promise<LedgerEntryProof | undefined>;
}

export interface ReceiptsCheck extends ProofOptions {
  readonly policy: Policy;
  readonly asJson: boolean;
}

/** Files of the public ledger; undefined where there is none at hand. */
type LedgerCopy = MirrorSource['ledger'] | undefined;

type LineVerdict = ReceiptVerdict & { readonly line: number; readonly status: RecordReceipt['status']; readonly record: string };

/** Refusals that say something about the record; any other ends the command. */
const TELLING: readonly string[] = ['NOT_FOUND', 'RECORD_NOT_SEALED', 'RECORD_NOT_ANCHORED', 'RECORD_EXPIRED'] satisfies readonly Code[];
const BUSY: readonly string[] = ['OVERLOADED', 'RATE_LIMITED'] satisfies readonly Code[];
const BUSY_WAIT_MS = 1000;
const BUSY_TRIES_MAX = 60;

/** @param text receipts, JSON, one a line */
export async function verifyReceipts(text: string, check: ReceiptsCheck, shown: RecordsShown, terminal: Terminal): Promise<ExitCode> {
  const parsed = parseReceipts(text);
  if (!parsed.ok) {
    const { code, detail } = parsed;
    if (check.asJson) terminal.json({ ok: false, code, detail, receipts: [] });
    else terminal.say(`${terminal.style('red', '✗')} ${code} ${terminal.text(CODES[code])}: ${detail}`);
    return EXIT.found;
  }
  const verdicts: LineVerdict[] = [];
  for (const { line, receipt } of parsed.value) {
    if (receipt.status === 'quarantined') continue;
    const { status, record } = receipt;
    verdicts.push({ line, status, record, ...(await verdictOf(receipt, check, shown)) });
  }
  const ok = verdicts.every((one) => one.ok);
  const quarantined = parsed.value.length - verdicts.length;
  if (check.asJson) terminal.json({ ok, quarantined, receipts: verdicts });
  else tell(verdicts, quarantined, terminal);
  return ok ? EXIT.ok : EXIT.found;
}

async function verdictOf(receipt: RecordReceipt, { policy, ...options }: ReceiptsCheck, shown: RecordsShown): Promise<ReceiptVerdict> {
  const proof = await shown.proof(receipt.record);
  if (typeof proof !== 'string') return verifyReceipt(receipt, proof, verifyProof(proof, policy, options));
  const entry = receipt.status === 'anchored' ? await shown.entry(receipt.ledgerIndex) : undefined;
  return missingRecord(receipt, proof, policy, entry);
}

function tell(verdicts: readonly LineVerdict[], quarantined: number, terminal: Terminal): void {
  for (const { line, status, record, ok, code, detail, restsOn } of verdicts) {
    terminal.say(
      `${ok ? terminal.style('green', '✓') : terminal.style('red', '✗')} ${line}: ${status} #${record}  ${code} ${terminal.text(CODES[code])}`,
    );
    terminal.say(`    ${detail}`);
    if (restsOn === 'ledger') terminal.say({ zh: '    账本的签名本身即可证明', en: '    The signed ledger itself shows it' });
    if (restsOn === 'receipt')
      terminal.say({
        zh: '    以回执为据：回执未经签名，是设备的陈述',
        en: '    By the receipt, which is not signed: the word of the device',
      });
  }
  if (quarantined > 0)
    terminal.say({
      zh: `${grouped(quarantined)} 条消息被隔离，没有记录`,
      en: `${grouped(quarantined)} messages were quarantined and have no record`,
    });
  const held = grouped(verdicts.filter(({ ok }) => ok).length);
  const all = grouped(verdicts.length);
  terminal.say({ zh: `${all} 份回执中 ${held} 份成立。`, en: `${held} of ${all} receipts hold.` });
}

/** The platform's own interface, and the public ledger: its own, or a copy that others keep. */
export function shownByPlatform(api: ApiClient, ledger: LedgerCopy): RecordsShown {
  return {
    proof: (record) => askPlatform(api, record),
    entry: (index) => entryOf(ledger, index),
  };
}

/**
 * Bundles in files: what is not among them is not shown.
 * @param ledger a copy of it, where there is one
 * @throws ApiRefusal BUNDLE_MALFORMED
 */
export function shownByFiles(files: readonly string[], ledger: LedgerCopy): RecordsShown {
  const bundles = new Map<string, ProofBundle>();
  for (const file of files) {
    const bundle = parseBundle(readFileSync(file, 'utf8'));
    if (!bundle.ok) throw new ApiRefusal(bundle.code, `${file}: ${bundle.detail}`);
    bundles.set(String(bundle.value.position), bundle.value);
  }
  return {
    proof: async (record) => bundles.get(String(Number(record))) ?? 'NOT_FOUND',
    entry: async (index) => entryOf(ledger, index),
  };
}

/** @throws ApiRefusal when it says nothing about the record: no permission, no service */
async function askPlatform(api: ApiClient, record: string): Promise<ProofBundle | Code> {
  for (let tries = 1; ; tries++) {
    try {
      const bundle = parseBundle(await api.proof(record, undefined));
      return bundle.ok ? bundle.value : bundle.code;
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error;
      if (TELLING.includes(error.code)) return error.code as Code;
      if (!BUSY.includes(error.code) || tries >= BUSY_TRIES_MAX) throw error;
      await sleep(BUSY_WAIT_MS);
    }
  }
}

/** Entry and path under the newest checkpoint, out of the ledger's files. What they say is checked by whoever uses it. */
async function entryOf(ledger: LedgerCopy, index: number): Promise<LedgerEntryProof | undefined> {
  if (ledger === undefined) return undefined;
  const read = async (path: string): Promise<Uint8Array> => {
    const bytes = await ledger.read(path);
    if (bytes === null) throw new Error(`${path} is not there`);
    return bytes;
  };
  try {
    const note = await read('checkpoint');
    const checkpoint = readCheckpoint(note);
    if (!checkpoint.ok) return undefined;
    const { size } = checkpoint.value;
    const place = Math.floor(index / TILE_WIDTH);
    const entries = splitEntries(await read(entryBundlePath(place, tileWidth(0, place, size))));
    const entry = entries.ok ? entries.value[index % TILE_WIDTH] : undefined;
    if (entry === undefined) return undefined;
    return { entry, index, path: await inclusionFromTiles({ read }, index, size), checkpoint: new TextDecoder().decode(note) };
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    // No such entry, or files that do not fit together: the ledger shows nothing.
    return undefined;
  }
}
