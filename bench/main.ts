/** `pnpm bench <name> [options]`: measurements against peers in the same run. See docs/reference/benchmarks.md. */
import { ALERT_LATENCY_OPTIONS, runAlertLatency } from './src/benchmarks/alert-latency.ts';
import { CONTRACTS_OPTIONS, runContracts } from './src/benchmarks/contracts.ts';
import { FLEET_OPTIONS, runFleet } from './src/benchmarks/fleet.ts';
import { IMPORT_OPTIONS, runImport } from './src/benchmarks/import.ts';
import { INGEST_OPTIONS, runIngest } from './src/benchmarks/ingest.ts';
import { LEDGER_OPTIONS, runLedger } from './src/benchmarks/ledger.ts';
import { QUERY_OPTIONS, runQuery } from './src/benchmarks/query.ts';
import { runSalted, SALTED_OPTIONS } from './src/benchmarks/salted.ts';
import { runSlowSubscriber, SLOW_SUBSCRIBER_OPTIONS } from './src/benchmarks/slow-subscriber.ts';
import { runSustained, SUSTAINED_OPTIONS } from './src/benchmarks/sustained.ts';
import { describeOptions, type OptionDefinition } from './src/options.ts';

interface Benchmark {
  readonly about: string;
  readonly options: { readonly [name: string]: OptionDefinition };
  readonly run: (args: readonly string[]) => Promise<void>;
}

const BENCHMARKS: { readonly [name: string]: Benchmark } = {
  ingest: { about: 'durable acknowledgement beside bare aedes and mosquitto', options: INGEST_OPTIONS, run: runIngest },
  fleet: { about: 'thousands of devices with a reading now and then, and one that floods', options: FLEET_OPTIONS, run: runFleet },
  sustained: { about: 'the whole way at a steady rate: lag and memory', options: SUSTAINED_OPTIONS, run: runSustained },
  'slow-subscriber': {
    about: 'publishers beside a subscriber that stops reading',
    options: SLOW_SUBSCRIBER_OPTIONS,
    run: runSlowSubscriber,
  },
  import: { about: 'a month of a national network from files, and a second time', options: IMPORT_OPTIONS, run: runImport },
  salted: { about: 'commitments of confidential records', options: SALTED_OPTIONS, run: runSalted },
  ledger: { about: 'a log of a million entries: appending, proofs, audit; batch roots', options: LEDGER_OPTIONS, run: runLedger },
  contracts: {
    about: 'observations judged by fifty contracts beside hand-written closures',
    options: CONTRACTS_OPTIONS,
    run: runContracts,
  },
  'alert-latency': {
    about: 'from a reading to its alert on an open page, beside other load',
    options: ALERT_LATENCY_OPTIONS,
    run: runAlertLatency,
  },
  query: { about: 'the API over ten million observations beside plain tables', options: QUERY_OPTIONS, run: runQuery },
};

function usage(): string {
  const lines = Object.entries(BENCHMARKS).map(([name, { about, options }]) => `${name}: ${about}\n${describeOptions(options)}`);
  return `Usage: pnpm bench <name> [options]\n\n${lines.join('\n\n')}`;
}

// Children and scratch directories go when this process exits, so an interrupt must be an exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const [name = '', ...args] = process.argv.slice(2);
const benchmark = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
if (name === '--help' || args.includes('--help')) {
  console.log(usage());
  process.exit(0);
}
if (benchmark === undefined) {
  console.error(usage());
  process.exit(2);
}
try {
  await benchmark.run(args);
} catch (error) {
  console.error(error);
  process.exit(1);
}
process.exit(0);
