/** A backtest from its request to its report: the live engine over the journal, for one or two versions of a contract. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  alarmLoad,
  type Contract,
  contractVersion,
  differenceOf,
  ENGINE_VERSION,
  type EngineEvent,
  needsOf,
  offsetAt,
  parseContract,
  TRIAL_ALERTS_MAX,
  Trial,
} from '@airtight/contracts-engine';
import { AirtightError, type ContractRecord } from '@airtight/protocol';
import type { IngestClient } from '../upstream/ingest-client.ts';
import { type Arrivals, JournalReading, type JournalSetting } from './arrivals.ts';
import type { BacktestProgress, BacktestReport, BacktestRequest, TrialResult } from './backtest-report.ts';

/** As far apart as ticks may be without a gap (contracts-engine TICK_GAP_MAX_MS). */
const MADE_TICK_INTERVAL_MS = 30_000;
/** Records between progress reports and turns for others. */
const TURN_EVERY = 4096;
/** Windows and durations reach no further back than this. */
const WARM_UP_MAX_MS = 400 * 86_400_000;
const VERSION = /^[0-9a-f]{64}$/;

export type OnBacktestProgress = (progress: BacktestProgress) => void;

/**
 * @throws AirtightError CONTRACT_INVALID; NOT_FOUND when `against` is no version on record; BACKTEST_LIMIT; CURSOR_BEYOND_HEAD; what reading the journal throws
 */
export async function tryContract(
  request: BacktestRequest,
  ingest: Pick<IngestClient, 'feed' | 'status'>,
  onProgress: OnBacktestProgress = () => undefined,
): Promise<BacktestReport> {
  const { from, to } = request;
  const reading = new JournalReading(ingest, onProgress);
  const setting = await reading.setting(request.through);
  const texts = [request.text, ...(request.against === null ? [] : [againstText(request, setting)])];
  const contracts = texts.map((text) => checked(text, setting));
  const needs = contracts.map(needsOf);
  const warmUpFrom = from - Math.min(WARM_UP_MAX_MS, Math.max(...needs.map(({ warmUpMs }) => warmUpMs)));
  const datasets = [...new Set(needs.flatMap((need) => need.datasets))];
  const arrivals = await reading.arrivals(setting, { datasets, from: warmUpFrom, to });
  const trials = contracts.map((contract, i) => {
    const others = needs[i]?.contracts.flatMap((name) => setting.contracts.get(name) ?? []) ?? [];
    return new Trial(recordOf(contract, texts[i] as string), settingEvents(setting, others));
  });
  const course = { from: warmUpFrom, to, makesTicks: needs.some(({ ticks }) => ticks) };
  const run = await runTrials(trials, arrivals, course, onProgress);
  const results = trials.map((trial, i) => resultOf(trial, contracts[i] as Contract, { from, to }));
  const [result, against = null] = results as [TrialResult, TrialResult?];
  const { imported, expired } = arrivals;
  return {
    format: 'airtight-backtest@1',
    engine: ENGINE_VERSION,
    journal: { from: 0, through: setting.through },
    ...{ from, to, warmUpFrom },
    read: {
      records: arrivals.records.length,
      imported,
      expired,
      opaque: arrivals.opaque,
      ticks: arrivals.ticks.length,
      madeTicks: run.madeTicks,
    },
    result,
    against,
    difference: against === null ? null : differenceOf(result.alerts, against.alerts),
  };
}

function checked(text: string, { registry }: JournalSetting): Contract {
  const outcome = parseContract(text, new Map(registry.all().map((definition) => [definition.dataset, definition])));
  if (outcome.ok) return outcome.contract;
  const [fault] = outcome.errors;
  throw new AirtightError('CONTRACT_INVALID', `${fault?.line}:${fault?.column} ${fault?.en}`);
}

function againstText({ text, against }: BacktestRequest, { contracts, versions }: JournalSetting): string {
  const asked = against as string;
  if (VERSION.test(asked)) {
    const known = versions.get(asked);
    if (known === undefined) throw new AirtightError('NOT_FOUND', `no contract of version ${asked} is on record`);
    return known.text;
  }
  if (asked !== 'current') return asked;
  const name = nameIn(text);
  const current = contracts.get(name);
  if (current === undefined) throw new AirtightError('NOT_FOUND', `no contract ${name} is on record`);
  return current.text;
}

/** Before it is checked: the name alone tells which contract it is a version of. */
function nameIn(text: string): string {
  return /^contract:\s*["']?([A-Za-z0-9._-]+)/m.exec(text)?.[1] ?? '';
}

function recordOf({ contract }: Contract, text: string): ContractRecord {
  return { type: 'contract', contract, version: contractVersion(text), text, author: '', approver: '' };
}

function settingEvents({ registry, devices, flags }: JournalSetting, others: readonly ContractRecord[]): EngineEvent[] {
  return [
    ...registry.all().map((definition): EngineEvent => ({ kind: 'dataset', position: 0, definition })),
    ...[...devices.values()].map((record): EngineEvent => ({ kind: 'device', position: 0, record })),
    ...flags.map((record): EngineEvent => ({ kind: 'flag', position: 0, record })),
    ...others.map((record): EngineEvent => ({ kind: 'contract', position: 0, record })),
  ];
}

interface Course {
  readonly from: number;
  readonly to: number;
  readonly makesTicks: boolean;
}

async function runTrials(
  trials: readonly Trial[],
  arrivals: Arrivals,
  { to, makesTicks }: Course,
  onProgress: OnBacktestProgress,
): Promise<{ readonly madeTicks: number }> {
  const { records, packed } = arrivals;
  const ticks = new Ticks(arrivals, makesTicks, to);
  let position = 0;
  const give = (event: EngineEvent, at: number): void => {
    for (const trial of trials)
      if (!trial.apply(event, at)) throw new AirtightError('BACKTEST_LIMIT', `more than ${TRIAL_ALERTS_MAX} alerts`);
  };
  const tick = (at: number): void => give({ kind: 'tick', position, at }, at);
  for (const [i, arrival] of records.entries()) {
    ticks.before(arrival.at, tick);
    const { at, origin, first, count } = arrival;
    position = arrival.position;
    if (count > 0) give({ kind: 'observations', position, observations: packed.unpack(first, count, origin, at, position) }, at);
    if (i % TURN_EVERY !== 0) continue;
    onProgress({ phase: 'judge', done: i, total: records.length });
    await nextTurn();
  }
  ticks.before(to, tick);
  onProgress({ phase: 'judge', done: records.length, total: records.length });
  return { madeTicks: ticks.made };
}

/** Ticks on record, and before the first of them ticks that are made, from the first arrival on. */
class Ticks {
  readonly #recorded: readonly number[];
  #next = 0;
  #makeAt: number;
  readonly #makeUntil: number;
  made = 0;

  constructor({ ticks, records }: Arrivals, makes: boolean, to: number) {
    this.#recorded = ticks;
    const first = records[0]?.at;
    this.#makeUntil = makes && first !== undefined ? Math.min(ticks[0] ?? to, to) : Number.NEGATIVE_INFINITY;
    this.#makeAt = first === undefined ? 0 : Math.ceil(first / MADE_TICK_INTERVAL_MS) * MADE_TICK_INTERVAL_MS;
  }

  /** Gives what comes before an arrival. */
  before(at: number, give: (at: number) => void): void {
    for (; this.#makeAt < this.#makeUntil && this.#makeAt < at; this.#makeAt += MADE_TICK_INTERVAL_MS) {
      this.made++;
      give(this.#makeAt);
    }
    for (; (this.#recorded[this.#next] ?? Number.POSITIVE_INFINITY) < at; this.#next++) give(this.#recorded[this.#next] as number);
  }
}

function resultOf(trial: Trial, { contract, version, zone }: Contract, range: { readonly from: number; readonly to: number }): TrialResult {
  const { from } = range;
  return {
    contract,
    version,
    // What was over before is of the warm-up.
    alerts: trial.alerts().filter(({ raisedAt, clearedAt }) => raisedAt >= from || clearedAt === null || clearedAt >= from),
    retracted: trial.retracted,
    passedOver: trial.passedOver,
    load: alarmLoad(trial.annunciations, range, (at) => offsetAt(zone, at)),
    digest: trial.digest,
  };
}
