/** Producers that are known from files: put on record when they are not, without a secret, so nobody can log in as them. */
import {
  accept,
  type Bilingual,
  CONTROL_AGENCY,
  type Code,
  DEVICES_DATASET,
  type DeviceRecord,
  isName,
  isTelemetryDataset,
  type Outcome,
  type ProducerKind,
  refuse,
} from '@airtight/protocol';
import type { InternalDoor } from '../internal-door.ts';
import type { DeviceRegistry } from './device-registry.ts';

export interface FileProducer {
  readonly producer: string;
  readonly agency: string;
  readonly kind: ProducerKind;
  readonly name: Bilingual;
  readonly region?: Bilingual;
  readonly location?: { readonly lat: number; readonly lon: number };
  readonly datasets: readonly string[];
}

/** Control records of one write. */
const WRITE_MAX = 500;

/**
 * Puts those that are not known on record, all or none. A known one must be of the same agency; a dataset it lacks is added.
 * @returns how many were added or widened; NAME_INVALID, PRODUCER_EXISTS (it is another agency's)
 */
export async function enrolFromFile(
  producers: readonly FileProducer[],
  registry: DeviceRegistry,
  door: InternalDoor,
): Promise<Outcome<{ readonly added: number; readonly widened: number }>> {
  const records: DeviceRecord[] = [];
  let added = 0;
  for (const wanted of producers) {
    const known = registry.get(wanted.producer);
    const fault = faultOf(wanted, known);
    if (fault !== undefined) return refuse(...fault);
    if (known === undefined) {
      added++;
      records.push(toDevice(wanted));
    } else if (!wanted.datasets.every((dataset) => known.datasets.includes(dataset)))
      records.push({ ...known, datasets: [...new Set([...known.datasets, ...wanted.datasets])] });
  }
  for (let at = 0; at < records.length; at += WRITE_MAX) {
    const part = records.slice(at, at + WRITE_MAX);
    await door.write(part.map((payload) => ({ agency: CONTROL_AGENCY, dataset: DEVICES_DATASET, producer: payload.producer, payload })));
  }
  return accept({ added, widened: records.length - added });
}

function faultOf({ producer, agency, datasets }: FileProducer, known: DeviceRecord | undefined): [Code, string] | undefined {
  if (!isName(producer)) return ['NAME_INVALID', `producer ${producer}`];
  if (!isName(agency)) return ['NAME_INVALID', `agency ${agency}`];
  const bad = datasets.find((dataset) => !isTelemetryDataset(dataset));
  if (bad !== undefined) return ['NAME_INVALID', `dataset ${bad}`];
  if (known !== undefined && known.agency !== agency) return ['PRODUCER_EXISTS', `${producer} belongs to ${known.agency}`];
  return undefined;
}

function toDevice({ producer, agency, kind, name, region, location, datasets }: FileProducer): DeviceRecord {
  return {
    type: 'device',
    producer,
    agency,
    kind,
    name,
    ...(region === undefined ? {} : { region }),
    ...(location === undefined ? {} : { location }),
    datasets,
    subscribe: [],
    // `airtight enroll --replace` gives it some.
    credentials: [],
    simulated: false,
    revoked: false,
  };
}
