/** The devices this deployment knows, by name and by what other networks call them: the `sys.devices` records folded. */
import type { DeviceRecord } from '@airtight/protocol';

export class DeviceRegistry {
  readonly #devices = new Map<string, DeviceRecord>();
  /** Producer by foreign id. */
  readonly #foreign = new Map<string, string>();

  get size(): number {
    return this.#devices.size;
  }

  get(producer: string): DeviceRecord | undefined {
    return this.#devices.get(producer);
  }

  /** @param foreignId `{network}:{id there}`, as enrolled */
  byForeignId(foreignId: string): DeviceRecord | undefined {
    const producer = this.#foreign.get(foreignId);
    return producer === undefined ? undefined : this.#devices.get(producer);
  }

  /** The last record for a producer wins. */
  set(device: DeviceRecord): void {
    const before = this.#devices.get(device.producer)?.foreignId;
    if (before !== undefined && before !== device.foreignId) this.#foreign.delete(before);
    if (device.foreignId !== undefined) this.#foreign.set(device.foreignId, device.producer);
    this.#devices.set(device.producer, device);
  }

  all(): IterableIterator<DeviceRecord> {
    return this.#devices.values();
  }
}
