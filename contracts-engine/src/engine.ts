/** The engine as its host holds it. */
import type { AlertEffect } from '@airtight/protocol';
import type { EngineEvent } from './engine-event.ts';
import { type EngineCounters, emptyState } from './engine-state.ts';
import { type EngineSnapshot, fromSnapshot, toSnapshot, viewOf } from './snapshot.ts';
import { type SnapshotParts, snapshotParts } from './snapshot-parts.ts';
import { step } from './step.ts';

export interface EngineStatus extends EngineCounters {
  /** Effects whose records have not come back yet. */
  readonly unrecorded: number;
  /** `waiting`: the dataset definitions known so far do not let it run. */
  readonly contracts: readonly { readonly contract: string; readonly version: string; readonly state: 'running' | 'waiting' }[];
}

export class Engine {
  readonly #state;

  /**
   * @param snapshot goes over to the engine
   * @param readingsMax how many readings of all producers are held; the same for the same journal
   * @throws RangeError for a snapshot of other semantics (its `engine` is not ENGINE_VERSION)
   */
  constructor(snapshot?: EngineSnapshot, readingsMax?: number) {
    this.#state = snapshot === undefined ? emptyState(readingsMax) : fromSnapshot(snapshot, readingsMax);
  }

  /**
   * Takes the next event, in order of journal position. Giving an event again after a restart from an earlier snapshot
   * causes the same effects again; recorded under transitionMessageId they are repeats, not second alerts.
   */
  apply(event: EngineEvent): readonly AlertEffect[] {
    return step(this.#state, event);
  }

  /** Plain JSON of everything known, for `new Engine(snapshot)`. Shares nothing that changes. */
  snapshot(): EngineSnapshot {
    return toSnapshot(this.#state);
  }

  /**
   * The same as text, in lines of some 25 kB, for `joinSnapshot`. They say what is known now, however much later they are gone
   * through: a large state can be written beside what the engine takes meanwhile.
   */
  snapshotParts(): SnapshotParts {
    return snapshotParts(viewOf(this.#state));
  }

  status(): EngineStatus {
    const { contracts, counters, unrecorded } = this.#state;
    return {
      ...counters,
      unrecorded: unrecorded.size,
      contracts: [...contracts.values()].map(({ name, version, contract }) => ({
        contract: name,
        version,
        state: contract === null ? 'waiting' : 'running',
      })),
    };
  }
}
