/** The contracts engine as this service uses it: journal events in, effects out. */
import { Engine, type EngineCounters, type EngineEvent, type EngineSnapshot, type SnapshotParts } from '@airtight/contracts-engine';
import { type AlertEffect, FILE_DOOR } from '@airtight/protocol';
import type { JournalEvent } from '../decode/decoder.ts';

export interface ContractsEngine {
  apply(event: JournalEvent): readonly AlertEffect[];
  /** Text of an EngineSnapshot as of now, from which the engine can be made again; gone through whenever there is time. */
  snapshotParts(): SnapshotParts;
  readonly counters: EngineCounters;
}

const NOTHING: readonly AlertEffect[] = [];

/**
 * @param state an earlier snapshot; undefined: the state before the first event
 * @throws RangeError for a snapshot of other semantics: the journal is then folded from its beginning
 */
export function createEngine(state?: EngineSnapshot): ContractsEngine {
  const engine = new Engine(state);
  return {
    apply: (event) => {
      const told = engineEventOf(event);
      return told === undefined ? NOTHING : engine.apply(told);
    },
    snapshotParts: () => engine.snapshotParts(),
    get counters() {
      return engine.status();
    },
  };
}

function engineEventOf(event: JournalEvent): EngineEvent | undefined {
  const { position } = event;
  switch (event.kind) {
    case 'readings':
      // Imported history pages nobody. The header alone decides, so a rebuild comes to the same alerts.
      if (event.header.door === FILE_DOOR) return undefined;
      return { kind: 'observations', position, observations: event.observations };
    case 'tick':
      return { kind: 'tick', position, at: event.at };
    case 'alert':
      return { kind: 'alert', position, transition: event.transition };
    case 'control':
      if (event.record.type === 'contract') return { kind: 'contract', position, record: event.record };
      if (event.record.type === 'contract-withdrawal') return { kind: 'withdrawal', position, record: event.record };
      if (event.record.type === 'device') return { kind: 'device', position, record: event.record };
      if (event.record.type === 'flag') return { kind: 'flag', position, record: event.record };
      if (event.record.type === 'erasure') return { kind: 'erasure', position, record: event.record };
      return event.record.type === 'dataset' ? { kind: 'dataset', position, definition: event.record } : undefined;
    case 'opaque':
    case 'expired':
      return undefined;
  }
}
