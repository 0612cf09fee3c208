/**
 * Topics on which LoRaWAN network servers publish uplinks. The network server is enrolled as a producer; each of its devices
 * names it as gateway and carries a foreign id, by which the topic leads to it:
 *
 *   ChirpStack v4         application/{application}/device/{devEui}/event/up     lorawan:{devEui, lower case}
 *   The Things Stack v3   v3/{application}@{tenant}/devices/{device}/up          ttn:{application}@{tenant}/{device}
 */
import type { DatasetRegistry, DeviceRecord, TelemetryTopic } from '@airtight/protocol';
import type { DeviceRegistry } from './device-registry.ts';

const CHIRPSTACK = /^application\/[0-9A-Za-z-]{1,64}\/device\/([0-9A-Fa-f]{16})\/event\/up$/;
/** Ids there are lower-case letters, digits and hyphens, at most 36. An installation of one tenant may leave the tenant out. */
const THINGS_STACK = /^v3\/([a-z0-9-]{1,36}(?:@[a-z0-9-]{1,36})?)\/devices\/([a-z0-9-]{1,36})\/up$/;

/** @returns as whom an uplink on this topic enters, null when the topic or the device is not known */
export function uplinkTarget(topic: string, registry: DeviceRegistry, datasets: Pick<DatasetRegistry, 'current'>): TelemetryTopic | null {
  const foreignId = foreignIdOf(topic);
  const device = foreignId === undefined ? undefined : registry.byForeignId(foreignId);
  const dataset = device === undefined ? undefined : uplinkDataset(device, datasets);
  return device === undefined || dataset === undefined ? null : { agency: device.agency, dataset, producer: device.producer };
}

function foreignIdOf(topic: string): string | undefined {
  const chirpStack = CHIRPSTACK.exec(topic);
  if (chirpStack !== null) return `lorawan:${chirpStack[1]?.toLowerCase()}`;
  const thingsStack = THINGS_STACK.exec(topic);
  return thingsStack === null ? undefined : `ttn:${thingsStack[1]}/${thingsStack[2]}`;
}

/** Its first dataset that has a codec, else the only one. */
function uplinkDataset({ datasets }: DeviceRecord, definitions: Pick<DatasetRegistry, 'current'>): string | undefined {
  const decoded = datasets.find((dataset) => definitions.current(dataset)?.codec !== undefined);
  return decoded ?? (datasets.length === 1 ? datasets[0] : undefined);
}
