/** Making a device known: its record enters by the one way, its secret is shown once. */
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
import { generateSecret, hashSecret } from './secret-hash.ts';

export interface EnrolmentRequest {
  readonly producer: string;
  readonly agency: string;
  readonly kind: ProducerKind;
  readonly name: Bilingual;
  readonly region?: Bilingual;
  readonly location?: { readonly lat: number; readonly lon: number };
  readonly datasets: readonly string[];
  readonly subscribe?: readonly string[];
  readonly gateway?: string;
  readonly foreignId?: string;
  readonly simulated?: boolean;
  /** Chosen by the caller; generated when absent. */
  readonly secret?: string;
  /** Of an HJ 212 monitor: six digits by the standard. */
  readonly hj212Password?: string;
  /** Gives an existing device a new secret and description. */
  readonly replace?: boolean;
}

export interface Enrolled {
  /** The MQTT user name. */
  readonly username: string;
  /** The MQTT password: this is the only time it is shown. */
  readonly secret: string;
  readonly position: number;
}

const SECRET_MIN_LENGTH = 16;
/** Network name of HJ 212 in foreign ids, before the monitor's MN. */
export const HJ212_NETWORK = 'hj212:';

/** Enrols devices, all or none. @returns PRODUCER_EXISTS, NAME_INVALID, REQUEST_INVALID with the producer named */
export async function enrol(
  requests: readonly EnrolmentRequest[],
  registry: DeviceRegistry,
  door: InternalDoor,
): Promise<Outcome<Enrolled[]>> {
  const names = new Set<string>();
  for (const request of requests) {
    const fault = faultOf(request, registry, names);
    if (fault !== undefined) return refuse(fault[0], fault[1]);
    names.add(request.producer);
  }
  const secrets = requests.map(({ secret }) => secret ?? generateSecret());
  const hashes = await Promise.all(secrets.map(hashSecret));
  const hj212Hashes = await Promise.all(requests.map(({ hj212Password: password }) => password && hashSecret(password)));
  const stored = await door.write(
    requests.map((request, i) => ({
      agency: CONTROL_AGENCY,
      dataset: DEVICES_DATASET,
      producer: request.producer,
      payload: toDevice(request, hashes[i] as string, hj212Hashes[i]),
    })),
  );
  return accept(stored.map(({ position }, i) => ({ username: requests[i]?.producer as string, secret: secrets[i] as string, position })));
}

function faultOf(request: EnrolmentRequest, registry: DeviceRegistry, names: ReadonlySet<string>): [Code, string] | undefined {
  const { producer, agency, datasets, replace, secret, hj212Password, foreignId } = request;
  if (!isName(producer)) return ['NAME_INVALID', `producer ${producer}`];
  if (!isName(agency)) return ['NAME_INVALID', `agency ${agency}`];
  const bad = datasets.find((dataset) => !isTelemetryDataset(dataset));
  if (bad !== undefined) return ['NAME_INVALID', `dataset ${bad}`];
  if (secret !== undefined && secret.length < SECRET_MIN_LENGTH)
    return ['REQUEST_INVALID', `a secret has at least ${SECRET_MIN_LENGTH} characters`];
  if (hj212Password !== undefined && foreignId?.startsWith(HJ212_NETWORK) !== true)
    return ['REQUEST_INVALID', `a monitor of HJ 212 has a foreign id ${HJ212_NETWORK}{MN}`];
  const namesake = request.foreignId === undefined ? undefined : registry.byForeignId(request.foreignId);
  if (namesake !== undefined && namesake.producer !== producer) return ['PRODUCER_EXISTS', `${request.foreignId} is ${namesake.producer}`];
  if (names.has(producer) || (registry.get(producer) !== undefined && replace !== true)) return ['PRODUCER_EXISTS', producer];
  return undefined;
}

function toDevice(request: EnrolmentRequest, secretHash: string, hj212Hash: string | undefined): DeviceRecord {
  const { producer, agency, kind, name, region, location, datasets, gateway, foreignId, subscribe = [], simulated = false } = request;
  return {
    type: 'device',
    producer,
    agency,
    kind,
    name,
    ...(region === undefined ? {} : { region }),
    ...(location === undefined ? {} : { location }),
    datasets,
    ...(gateway === undefined ? {} : { gateway }),
    ...(foreignId === undefined ? {} : { foreignId }),
    subscribe,
    secretHash,
    ...(hj212Hash === undefined ? {} : { hj212Hash }),
    simulated,
    revoked: false,
  };
}
