/**
 * Commitments of confidential records per second of CPU (this process alone): the tree of eight fields with its salts, as the
 * reference figure counts it, beside noble in the same run; and all that is done for a reading as it comes, parsing included.
 */
import { randomBytes } from 'node:crypto';
import { commitTo, nodeSha256, SaltStream } from '@airtight/ingest/confidential.ts';
import { fieldsOfRecord } from '@airtight/protocol';
import { FIELD_TREE_MIN_LEAVES, fieldTree, nobleSha256, type Sha256, type TreeField } from '@airtight/tlog';
import { Options } from '../options.ts';
import { printTable, printVerdicts, progress } from '../report.ts';

export const SALTED_OPTIONS = {
  records: { default: '200000', about: 'records of a measurement' },
} as const;

/** A tree of eight salted fields in Node, on the machine of the reference. */
const REFERENCE_PER_CPU_S = 83_000;
const ROUNDS = 3;
const HEADER = { contentType: 'application/json', messageId: 'seq:17' };
const PAYLOAD = Buffer.from('{"seq":17,"t":1795363160000,"m":{"tvc":4.2,"tamb":21.5,"batt":3.61,"door":0}}');

export async function runSalted(args: readonly string[]): Promise<void> {
  const records = new Options(args, SALTED_OPTIONS).count('records');
  const stream = new SaltStream(randomBytes(32));
  const fields = fieldsOfRecord(HEADER, PAYLOAD);
  const work: { readonly [name: string]: (position: number) => unknown } = {
    'salts and tree, node:crypto': (position) => treeOf(fields, stream, position, nodeSha256),
    'salts and tree, noble': (position) => treeOf(fields, stream, position, nobleSha256),
    'salts alone': (position) => stream.saltsOf(position, FIELD_TREE_MIN_LEAVES),
    'a reading as it comes': (position) => commitTo(HEADER, PAYLOAD, position, stream),
  };
  const rates = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, step] of Object.entries(work)) {
      progress(`${name}, round ${round + 1} of ${ROUNDS}`);
      rates.set(name, Math.max(rates.get(name) ?? 0, ratePerCpuS(step, records)));
    }
  }
  printTable(['what', 'per CPU-second'], [...rates]);
  const rate = rates.get('salts and tree, node:crypto') as number;
  const target = { atLeast: REFERENCE_PER_CPU_S };
  printVerdicts('salted', [{ name: 'tree', value: rate, target, meaning: 'trees of eight salted fields per CPU-second' }], {
    fields: fields.length,
    ...Object.fromEntries(rates),
  });
}

function treeOf(fields: readonly TreeField[], stream: SaltStream, position: number, sha: Sha256): unknown {
  return fieldTree(fields, stream.saltsOf(position, FIELD_TREE_MIN_LEAVES), sha);
}

function ratePerCpuS(step: (position: number) => unknown, records: number): number {
  const before = process.cpuUsage();
  for (let position = 0; position < records; position++) step(position);
  const { user, system } = process.cpuUsage(before);
  return (records / (user + system)) * 1e6;
}
