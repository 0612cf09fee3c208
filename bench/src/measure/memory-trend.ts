/** Whether memory grows: resident size of processes over a long run, its last third beside its second. */
import { memoryOf } from './process-usage.ts';
import { median } from './statistics.ts';

export class MemoryTrend {
  readonly #pids: { readonly [role: string]: number };
  readonly #samples: number[] = [];
  readonly #byRole = new Map<string, number[]>();

  constructor(pids: { readonly [role: string]: number }) {
    this.#pids = pids;
  }

  take(): void {
    let total = 0;
    for (const [role, pid] of Object.entries(this.#pids)) {
      const { rssMb } = memoryOf(pid);
      total += rssMb;
      this.#byRole.set(role, [...(this.#byRole.get(role) ?? []), rssMb]);
    }
    this.#samples.push(total);
  }

  /** All processes together: last third : second third of the samples. The first third fills caches and compiles code. */
  get drift(): number {
    return driftOf(this.#samples);
  }

  /** The same for each process. */
  get driftByRole(): { readonly [role: string]: number } {
    return Object.fromEntries([...this.#byRole].map(([role, samples]) => [role, driftOf(samples)]));
  }
}

function driftOf(samples: readonly number[]): number {
  const third = Math.floor(samples.length / 3);
  return median(samples.slice(2 * third)) / median(samples.slice(third, 2 * third));
}
