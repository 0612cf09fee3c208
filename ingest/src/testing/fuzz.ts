/** Feeds decoders mutated inputs and tells what went wrong. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { mutate, seededRandom } from './mutations.ts';

export interface FuzzedDecoder {
  readonly name: string;
  /** Right inputs; each must be taken. */
  readonly seeds: readonly Uint8Array[];
  /** @returns true when the input was taken */
  decode(input: Buffer): boolean;
}

export interface FuzzFault {
  readonly decoder: string;
  /** Which input of the decoder; the same seed makes the same one. */
  readonly index: number;
  readonly reason: string;
  /** The input's beginning, hex. */
  readonly input: string;
}
export interface FuzzReport {
  readonly inputs: number;
  /** Inputs that were taken although they were mutated, by decoder. */
  readonly taken: { readonly [decoder: string]: number };
  readonly faults: readonly FuzzFault[];
  /** Heap and buffers after garbage collection: at the end, less that after the first tenth. */
  readonly heapGrowthBytes: number;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly inputsPerDecoder: number;
  /** One input may take no longer. Generous: the machine may be busy. */
  readonly inputMaxMs: number;
}

const FAULTS_MAX = 20;
const SHOWN_BYTES = 200;
const ROUNDS = 10;

/** Runs here, in this thread. @param onStep told which decoder is at which input, before it is decoded */
export function fuzz(
  decoders: readonly FuzzedDecoder[],
  options: FuzzOptions,
  onStep?: (decoder: number, index: number) => void,
): FuzzReport {
  const random = seededRandom(options.seed);
  const faults: FuzzFault[] = [];
  const taken: { [decoder: string]: number } = {};
  const perRound = Math.ceil(options.inputsPerDecoder / ROUNDS);
  let heapAtStart = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [d, decoder] of decoders.entries()) {
      for (let i = 0; i < perRound; i++) {
        const [seed, other] = [0, 1].map(() => decoder.seeds[Math.floor(random() * decoder.seeds.length)] as Uint8Array) as [
          Uint8Array,
          Uint8Array,
        ];
        const input = mutate(seed, other, random);
        const index = round * perRound + i;
        onStep?.(d, index);
        const reason = tryOne(decoder, input, options.inputMaxMs, taken);
        if (reason !== undefined)
          faults.push({ decoder: decoder.name, index, reason, input: input.subarray(0, SHOWN_BYTES).toString('hex') });
        if (faults.length >= FAULTS_MAX) return { inputs: index, taken, faults, heapGrowthBytes: 0 };
      }
    }
    if (round === 0) heapAtStart = heapBytes();
  }
  return { inputs: ROUNDS * perRound * decoders.length, taken, faults, heapGrowthBytes: heapBytes() - heapAtStart };
}

function tryOne(decoder: FuzzedDecoder, input: Buffer, maxMs: number, taken: { [decoder: string]: number }): string | undefined {
  const startedAt = performance.now();
  try {
    if (decoder.decode(input)) taken[decoder.name] = (taken[decoder.name] ?? 0) + 1;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const ms = performance.now() - startedAt;
  return ms > maxMs ? `took ${Math.round(ms)} ms` : undefined;
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  // What buffers held is given back beside the first collection, and counted by the second.
  collect();
  const { heapUsed, external } = process.memoryUsage();
  // `external` has the bytes of buffers too.
  return heapUsed + external;
}

interface Task extends FuzzOptions {
  /** Exports DECODERS. */
  readonly decodersUrl: string;
  readonly steps: SharedArrayBuffer;
}

const WATCH_MS = 500;

/**
 * Runs in a thread of its own and watches it: a decoder that never comes back ends as a fault too.
 * @param decodersUrl module that exports DECODERS
 * @param stuckMs an input that takes longer than this hangs
 */
export function fuzzWatched(decodersUrl: string, options: FuzzOptions, stuckMs: number): Promise<FuzzReport> {
  const steps = new SharedArrayBuffer(8);
  const at = new Int32Array(steps);
  const worker = new Worker(new URL(import.meta.url), { workerData: { ...options, decodersUrl, steps } satisfies Task });
  return new Promise((resolve, reject) => {
    let seen = '';
    let since = performance.now();
    const watch = setInterval(() => {
      const step = at.join();
      if (step !== seen) {
        seen = step;
        since = performance.now();
      } else if (performance.now() - since > stuckMs) {
        clearInterval(watch);
        const fault: FuzzFault = { decoder: `number ${at[0]}`, index: at[1] ?? -1, reason: `hangs for ${stuckMs} ms`, input: '' };
        void worker.terminate().then(() => resolve({ inputs: 0, taken: {}, faults: [fault], heapGrowthBytes: 0 }));
      }
    }, WATCH_MS);
    worker.once('message', (report: FuzzReport) => resolve(report));
    worker.once('error', reject);
    worker.once('exit', () => clearInterval(watch));
  });
}

if (!isMainThread && (workerData as Partial<Task> | null)?.decodersUrl !== undefined) {
  const { decodersUrl, steps, ...options } = workerData as Task;
  const at = new Int32Array(steps);
  const { DECODERS } = (await import(decodersUrl)) as { readonly DECODERS: readonly FuzzedDecoder[] };
  const report = fuzz(DECODERS, options, (decoder, index) => {
    at[0] = decoder;
    at[1] = index;
  });
  parentPort?.postMessage(report);
}
