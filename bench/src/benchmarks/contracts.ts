/**
 * How many observations a second the contracts engine judges on one core, beside the same rules as hand-written closures
 * in the same run; and how long it takes to judge years of history, as a backtest does.
 */
import { Engine } from '@airtight/contracts-engine';
import type { Observation } from '@airtight/protocol';
import { Options } from '../options.ts';
import {
  allRules,
  contractRecords,
  DATASET,
  HandWritten,
  HOUR_MS,
  LONG_CONTRACT,
  messagesAt,
  START,
  STATION_PROPERTIES,
} from '../peers/hand-written-rules.ts';
import { printTable, printVerdicts, progress } from '../report.ts';

export const CONTRACTS_OPTIONS = {
  stations: { default: '1600', about: 'stations; each message has six properties' },
  contracts: { default: '50', about: 'contracts of one rule: a threshold with durations on one property' },
  hours: { default: '48', about: 'hours of the stations that are judged and timed' },
  rounds: { default: '3', about: 'times both are measured; the fastest counts' },
  'backtest-years': { default: '4', about: 'years of hourly history of eight stations' },
} as const;

const OBSERVATIONS_PER_S_MIN = 100_000;
const RATIO_MAX = 3;
const BACKTEST_MAX_S = 10;
const BACKTEST_STATIONS = 8;
const HOURS_PER_YEAR = 8766;

interface Timed {
  readonly seconds: number;
  readonly alerts: number;
}

export async function runContracts(args: readonly string[]): Promise<void> {
  const options = new Options(args, CONTRACTS_OPTIONS);
  const [stations, hours, contracts] = [options.count('stations'), options.count('hours'), options.count('contracts')];
  const rules = allRules(contracts);
  progress(`making ${stations * hours} messages`);
  const messages = Array.from({ length: hours }, (_, hour) => messagesAt(stations, hour)).flat();
  const observations = messages.length * STATION_PROPERTIES.length;
  const engine: Timed[] = [];
  const closures: Timed[] = [];
  for (let round = 0; round < options.count('rounds'); round++) {
    closures.push(timeClosures(new HandWritten(rules), messages));
    engine.push(timeEngine(newEngine(contractRecords(rules)), messages));
    progress(`round ${round + 1}: closures ${closures.at(-1)?.seconds.toFixed(2)} s, engine ${engine.at(-1)?.seconds.toFixed(2)} s`);
  }
  const [own, peer] = [fastest(engine), fastest(closures)];
  if (own.alerts !== peer.alerts) throw new Error(`the engine caused ${own.alerts} effects, the closures ${peer.alerts}`);
  const backtest = timeBacktest(options.count('backtest-years'));
  printTable(
    ['', 'observations/s', 'judgements/s', 'effects'],
    [
      ['engine', observations / own.seconds, (messages.length * contracts) / own.seconds, own.alerts],
      ['closures', observations / peer.seconds, (messages.length * contracts) / peer.seconds, peer.alerts],
    ],
  );
  printVerdicts(
    'contracts',
    [
      {
        name: 'observationsPerS',
        value: observations / own.seconds,
        target: { atLeast: OBSERVATIONS_PER_S_MIN },
        meaning: 'observations a second, engine',
      },
      {
        name: 'ratio',
        value: own.seconds / peer.seconds,
        target: { atMost: RATIO_MAX },
        meaning: 'time of the engine over that of the closures',
      },
      {
        name: 'backtestS',
        value: backtest.seconds,
        target: { atMost: BACKTEST_MAX_S },
        meaning: 'seconds for the years of eight stations',
      },
    ],
    { stations, hours, contracts, observations, effects: own.alerts, backtestEffects: backtest.alerts },
  );
}

type Messages = readonly (readonly Observation[])[];

function newEngine(records: ReturnType<typeof contractRecords>): Engine {
  const engine = new Engine();
  engine.apply({ kind: 'dataset', position: 0, definition: DATASET });
  for (const record of records) engine.apply({ kind: 'contract', position: 0, record });
  const waiting = engine.status().contracts.filter(({ state }) => state !== 'running').length;
  if (waiting > 0 || engine.status().refused > 0) throw new Error('a contract does not run');
  return engine;
}

function timeEngine(engine: Engine, messages: Messages): Timed {
  const from = performance.now();
  let alerts = 0;
  for (const [index, observations] of messages.entries())
    alerts += engine.apply({ kind: 'observations', position: index + 1, observations }).length;
  return { seconds: (performance.now() - from) / 1000, alerts };
}

function timeClosures(peer: HandWritten, messages: Messages): Timed {
  const from = performance.now();
  let alerts = 0;
  for (const observations of messages) alerts += peer.take(observations);
  return { seconds: (performance.now() - from) / 1000, alerts };
}

/** Windows, levels and completeness over years of eight stations; the messages are made while it runs, which counts too. */
function timeBacktest(years: number): Timed {
  const engine = newEngine([LONG_CONTRACT]);
  const from = performance.now();
  let [alerts, position] = [0, 1];
  for (let hour = 0; hour < years * HOURS_PER_YEAR; hour++) {
    for (const observations of messagesAt(BACKTEST_STATIONS, hour))
      alerts += engine.apply({ kind: 'observations', position: position++, observations }).length;
    engine.apply({ kind: 'tick', position: position++, at: START + hour * HOUR_MS });
  }
  return { seconds: (performance.now() - from) / 1000, alerts };
}

function fastest(rounds: readonly Timed[]): Timed {
  return rounds.reduce((best, next) => (next.seconds < best.seconds ? next : best));
}
