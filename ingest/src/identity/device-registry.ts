/**
 * The devices this deployment knows, by name, by what other networks call them and by their certificates: the
 * `sys.devices` records folded. Who holds something that follows from a device's record (a live session, a remembered
 * route) hears of its changes here.
 */
import { type Credential, type DeviceRecord, isValidAt } from '@airtight/protocol';
import type { PeerIdentity } from './peer-identity.ts';

export type OnDeviceChange = (device: DeviceRecord) => void;

export class DeviceRegistry {
  readonly #devices = new Map<string, DeviceRecord>();
  /** Producer by foreign id, and by what its certificates are found by. */
  readonly #foreign = new Map<string, string>();
  readonly #certificates = new Map<string, string>();
  readonly #fleetSizes = new Map<string, number>();
  readonly #listeners: OnDeviceChange[] = [];
  #version = 0;

  get size(): number {
    return this.#devices.size;
  }

  /** Grows with every change: what was derived from the registry at another version may be out of date. */
  get version(): number {
    return this.#version;
  }

  get(producer: string): DeviceRecord | undefined {
    return this.#devices.get(producer);
  }

  /** @param foreignId `{network}:{id there}`, as enrolled */
  byForeignId(foreignId: string): DeviceRecord | undefined {
    const producer = this.#foreign.get(foreignId);
    return producer === undefined ? undefined : this.#devices.get(producer);
  }

  /** The device that was enrolled with this certificate, or else with its name. */
  byPeer({ fingerprint, commonName }: PeerIdentity): DeviceRecord | undefined {
    const producer = this.#certificates.get(fingerprint) ?? this.#certificates.get(`cn:${commonName}`);
    return producer === undefined ? undefined : this.#devices.get(producer);
  }

  /** Whether a certificate is on record by itself, for whichever device; then its name counts for nothing. */
  knowsCertificate(fingerprint: string): boolean {
    return this.#certificates.has(fingerprint);
  }

  /** Whose this certificate is already, if it is another device's. */
  certificateOwner(credential: Credential): string | undefined {
    const key = certificateKey(credential);
    return key === undefined ? undefined : this.#certificates.get(key);
  }

  /** How many devices have enrolled themselves with a fleet's key. */
  fleetSize(fleet: string): number {
    return this.#fleetSizes.get(fleet) ?? 0;
  }

  /** The last record for a producer wins. */
  set(device: DeviceRecord): void {
    this.#version++;
    const before = this.#devices.get(device.producer);
    if (before?.foreignId !== undefined) this.#foreign.delete(before.foreignId);
    if (device.foreignId !== undefined) this.#foreign.set(device.foreignId, device.producer);
    for (const key of certificateKeys(before)) this.#certificates.delete(key);
    for (const key of certificateKeys(device)) this.#certificates.set(key, device.producer);
    if (before?.provisioned !== device.provisioned) {
      this.#countInFleet(before?.provisioned, -1);
      this.#countInFleet(device.provisioned, 1);
    }
    this.#devices.set(device.producer, device);
    for (const listener of this.#listeners) listener(device);
  }

  /** Calls back after every change of a device. */
  onChange(listener: OnDeviceChange): void {
    this.#listeners.push(listener);
  }

  all(): IterableIterator<DeviceRecord> {
    return this.#devices.values();
  }

  #countInFleet(fleet: string | undefined, by: number): void {
    if (fleet !== undefined) this.#fleetSizes.set(fleet, this.fleetSize(fleet) + by);
  }
}

/** The credential of this id while it counts: the device is not revoked, and the moment lies within its validity. */
export function validCredential(device: DeviceRecord | undefined, id: string, at: number): Credential | undefined {
  if (device === undefined || device.revoked) return undefined;
  return device.credentials.find((credential) => credential.id === id && isValidAt(credential, at));
}

function certificateKeys(device: DeviceRecord | undefined): string[] {
  return device?.credentials.flatMap((credential) => certificateKey(credential) ?? []) ?? [];
}

/** What a certificate is found by; undefined for another kind of credential. */
export function certificateKey(credential: Credential): string | undefined {
  if (credential.kind !== 'certificate') return undefined;
  return credential.fingerprint256 ?? `cn:${credential.commonName}`;
}
