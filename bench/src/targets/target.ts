/** A broker under test. */
import type { Device } from '../generator/messages.ts';

export interface Target extends AsyncDisposable {
  /** As it stands in the tables. */
  readonly name: string;
  readonly port: number;
  /** The processes whose CPU time counts, by role. */
  readonly pids: { readonly [role: string]: number };
  /** Credentials and topics for that many devices; enrols them where the target wants that. Stable: the first n are always the same. */
  devices(count: number): Promise<readonly Device[]>;
  /** A device that may subscribe to everything. */
  monitor(): Promise<Device>;
}

export const AGENCY = 'bench';
export const DATASET = 'air';

export function deviceTopic(producer: string, dataset = DATASET): string {
  return `v1/${AGENCY}/${dataset}/${producer}`;
}

export function producerName(index: number): string {
  return `station-${String(index).padStart(5, '0')}`;
}

/** For brokers that let everyone in. */
export function anonymousDevices(count: number): Device[] {
  return Array.from({ length: count }, (_, index) => {
    const producer = producerName(index);
    return { clientId: producer, username: '', password: '', topic: deviceTopic(producer) };
  });
}

export const ANONYMOUS_MONITOR: Device = { clientId: 'monitor', username: '', password: '', topic: deviceTopic('monitor') };
