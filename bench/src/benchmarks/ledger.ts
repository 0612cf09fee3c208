/**
 * A log of a million entries: how fast 64 clients append to it durably over HTTP, how fast a proof from it is served,
 * how fast it is audited; and the root of a million leaves beside the same in portable JavaScript.
 */
import { tmpdir } from 'node:os';
import { auditLedger } from '@airtight/ledger';
import { EntryLoad } from '../entry-writers/entry-load.ts';
import type { Written } from '../entry-writers/messages.ts';
import { measureBatchRoots } from '../measure/batch-root.ts';
import { measureFdatasync } from '../measure/fdatasync.ts';
import { timeLedgerProofs } from '../measure/ledger-proofs.ts';
import { cpuMsOf, memoryOf, othersCoresBeside } from '../measure/process-usage.ts';
import { median, quantile } from '../measure/statistics.ts';
import { Options } from '../options.ts';
import { ScratchDirectory } from '../processes/child.ts';
import { printTable, printVerdicts, progress, rounded, type Verdict } from '../report.ts';
import { LedgerService } from '../targets/ledger-service.ts';

export const LEDGER_OPTIONS = {
  entries: { default: '1000000', about: 'size of the log' },
  writers: { default: '64', about: 'clients that append, one request under way each' },
  request: { default: '16', about: 'entries a request, in four fifths of the log; the others come one by one' },
  rounds: { default: '5', about: 'rounds of both kinds of requests; also of audits and of batch roots' },
  proofs: { default: '2000', about: 'proofs, idle and while the log grows' },
  leaves: { default: '1000000', about: 'leaves of the batch root' },
  directory: { default: tmpdir(), about: 'where the data goes' },
} as const;

/** Of the entries of a round, those that come one a request. */
const SINGLE_SHARE = 0.2;
const FSYNC_MS = 1000;
const APPEND_MIN_PER_SECOND = 5000;
const PROOF_P99_MAX_MS = 10;
const AUDIT_MIN_PER_SECOND = 200_000;
const ROOT_RATIO_MIN = 2.5;

interface AppendRound extends Written {
  readonly entriesPerRequest: number;
  readonly perSecond: number;
  readonly entriesPerCommit: number;
  readonly entriesPerSync: number;
  readonly commitMs: number;
  /** CPU time of the ledger per entry. */
  readonly cpuMicros: number;
  readonly othersCores: number;
}

export async function runLedger(args: readonly string[]): Promise<void> {
  const options = new Options(args, LEDGER_OPTIONS);
  using scratch = new ScratchDirectory(options.text('directory'));
  await using ledger = await LedgerService.start(scratch.path);
  await using load = await EntryLoad.start(scratch.path);
  const syncMs: number[] = [];
  const rounds: AppendRound[] = [];
  const size = options.count('entries');
  for (let round = 1; round <= options.count('rounds'); round++) {
    syncMs.push(...measureFdatasync(scratch.path, FSYNC_MS));
    const until = Math.round((size * round) / options.count('rounds'));
    for (const [entriesPerRequest, share] of [
      [1, SINGLE_SHARE],
      [options.count('request'), 1],
    ] as const) {
      const from = (await ledger.counters()).entries;
      const requests = Math.max(1, Math.round(((until - from) * share) / entriesPerRequest));
      rounds.push(await append(ledger, load, { writers: options.count('writers'), entriesPerRequest, requests, firstEntry: from }));
    }
  }
  printAppends(rounds, syncMs);
  const memory = memoryOf(ledger.pid);
  const audits = await measureAudits(ledger, options.count('rounds'));
  const roots = measureBatchRoots(options.count('leaves'), options.count('rounds'));
  const proofs = await measureProofs(ledger, load, options);
  printVerdicts('ledger', verdictsOf(rounds, proofs, audits, roots), {
    rounds,
    proofs,
    audits,
    roots,
    fdatasyncMs: spread(syncMs),
    memory,
  });
}

async function append(ledger: LedgerService, load: EntryLoad, request: AppendRequest): Promise<AppendRound> {
  const before = await ledger.counters();
  const cpuBefore = cpuMsOf(ledger.pid);
  const others = othersCoresBeside([ledger.pid, load.pid, process.pid]);
  const written = await load.write({ port: ledger.port, token: ledger.token, ...request });
  const othersCores = others();
  const cpuMs = cpuMsOf(ledger.pid) - cpuBefore;
  const after = await ledger.counters();
  const added = after.entries - before.entries;
  if (added !== written.entries || written.minIndex !== before.entries || written.maxIndex !== after.entries - 1) {
    throw new Error(`${written.entries} entries answered, ${added} added: ${JSON.stringify(written)}`);
  }
  const round = {
    ...written,
    entriesPerRequest: request.entriesPerRequest,
    perSecond: (added / written.durationMs) * 1000,
    entriesPerCommit: added / (after.commits - before.commits),
    entriesPerSync: added / (after.syncs - before.syncs),
    commitMs: ((after.commitSeconds - before.commitSeconds) * 1000) / (after.commits - before.commits),
    cpuMicros: (cpuMs * 1000) / added,
    othersCores,
  };
  progress(`${after.entries} entries: ${request.entriesPerRequest} a request, ${Math.round(round.perSecond)} entries/s`);
  return round;
}

interface AppendRequest {
  readonly writers: number;
  readonly entriesPerRequest: number;
  readonly requests: number;
  readonly firstEntry: number;
}

function printAppends(rounds: readonly AppendRound[], syncMs: readonly number[]): void {
  printTable(
    [
      'entries a request',
      'entries/s',
      'p50 ms',
      'p99 ms',
      'entries a commit',
      'entries a sync',
      'commit ms',
      'µs CPU/entry',
      'others cores',
    ],
    rounds.map((round) => [
      String(round.entriesPerRequest),
      round.perSecond,
      round.p50Ms,
      round.p99Ms,
      round.entriesPerCommit,
      round.entriesPerSync,
      round.commitMs,
      round.cpuMicros,
      round.othersCores,
    ]),
  );
  const { p50, p99 } = spread(syncMs);
  progress(`fdatasync of 200 B on this disk: p50 ${rounded(p50)} ms, p99 ${rounded(p99)} ms`);
}

interface Proofs {
  readonly idle: Spread;
  /** Beside the rate that a ledger has to take. */
  readonly steady: Spread;
  /** Beside writers that send as fast as they are answered. */
  readonly full: Spread;
}

/** Proofs of entries anywhere in the log, made from its files over HTTP; idle, then beside the writers. */
async function measureProofs(ledger: LedgerService, load: EntryLoad, options: Options<keyof typeof LEDGER_OPTIONS>): Promise<Proofs> {
  const count = options.count('proofs');
  const [writers, entriesPerRequest] = [options.count('writers'), options.count('request')];
  const beside = async (ratePerSecond?: number): Promise<[Spread, string]> => {
    const firstEntry = (await ledger.counters()).entries;
    const pace = ratePerSecond === undefined ? {} : { ratePerSecond };
    const writing = load.write({ port: ledger.port, token: ledger.token, writers, entriesPerRequest, firstEntry, ...pace });
    const times = await timeLedgerProofs(ledger, count);
    load.stop();
    const { entries, durationMs } = await writing;
    return [spread(times), `beside ${Math.round((entries / durationMs) * 1000)} entries/s`];
  };
  await timeLedgerProofs(ledger, Math.ceil(count / 10));
  const idle = spread(await timeLedgerProofs(ledger, count));
  const [steady, steadyName] = await beside(APPEND_MIN_PER_SECOND);
  const [full, fullName] = await beside();
  printTable(
    ['inclusion proof of a random entry', 'p50 ms', 'p99 ms', 'max ms'],
    [
      ['idle', idle.p50, idle.p99, idle.max],
      [steadyName, steady.p50, steady.p99, steady.max],
      [fullName, full.p50, full.p99, full.max],
    ],
  );
  return { idle, steady, full };
}

interface Audit {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

async function measureAudits(ledger: LedgerService, rounds: number): Promise<Audit[]> {
  const audits: Audit[] = [];
  for (let round = 1; round <= rounds; round++) {
    const cpu = process.cpuUsage();
    const from = performance.now();
    const report = await auditLedger(ledger.logDirectory, ledger.vkey);
    const seconds = (performance.now() - from) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    if (!report.ok) throw new Error(`the audit found ${JSON.stringify(report.finding)}`);
    audits.push({ perSecond: report.entries / seconds, perCpuSecond: report.entries / ((user + system) / 1e6) });
    progress(`audit of ${report.entries} entries, ${report.files} files: ${rounded(seconds)} s`);
  }
  return audits;
}

interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

function spread(times: readonly number[]): Spread {
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), max: quantile(times, 1) };
}

function verdictsOf(
  rounds: readonly AppendRound[],
  proofs: Proofs,
  audits: readonly Audit[],
  roots: readonly { readonly ratio: number }[],
): Verdict[] {
  const kinds = [...new Set(rounds.map(({ entriesPerRequest }) => entriesPerRequest))];
  const appends = kinds.map((kind) => ({
    name: `append${kind}`,
    value: median(rounds.filter(({ entriesPerRequest }) => entriesPerRequest === kind).map(({ perSecond }) => perSecond)),
    target: { atLeast: APPEND_MIN_PER_SECOND },
    meaning: `entries/s durable over HTTP, ${kind} a request`,
  }));
  const proof = (name: string, { p99 }: Spread, when: string): Verdict => ({
    name,
    value: p99,
    target: { atMost: PROOF_P99_MAX_MS },
    meaning: `inclusion proof p99 ms, ${when}`,
  });
  return [
    ...appends,
    proof('proofIdle', proofs.idle, 'idle'),
    proof('proofAppending', proofs.steady, `beside ${APPEND_MIN_PER_SECOND} entries/s`),
    {
      name: 'audit',
      value: median(audits.map(({ perSecond }) => perSecond)),
      target: { atLeast: AUDIT_MIN_PER_SECOND },
      meaning: 'audited entries/s',
    },
    {
      name: 'batchRoot',
      value: median(roots.map(({ ratio }) => ratio)),
      target: { atLeast: ROOT_RATIO_MIN },
      meaning: 'batch root, leaves/s : noble',
    },
  ];
}
