/** The credentials of simulated devices, enrolled on first use and kept in `keys/simulator.json`. */
import type { DataDirectory } from '../data-directory.ts';
import { readJsonFile, writeSecret } from '../data-directory.ts';
import type { IngestClient } from '../ingest-client.ts';
import type { SimulatedDevice } from './network.ts';
import type { Scenario } from './scenario.ts';

export interface SimulatorState {
  readonly seed: number;
  readonly epoch: number;
  /** Secret by producer. */
  readonly secrets: { readonly [producer: string]: string };
}

/**
 * The network's scenario: the one it was begun with, or a new one that begins now.
 * @param seed another seed than the kept one begins anew
 */
export function scenarioOf(data: DataDirectory, seed: number, now: number): Scenario {
  const kept = readJsonFile<SimulatorState>(data.simulatorFile);
  return kept !== undefined && kept.seed === seed ? { seed, epoch: kept.epoch } : { seed, epoch: now };
}

/** Enrols the devices that have no secret yet, in one request, and keeps all secrets. */
export async function enrolSimulated(
  ingest: IngestClient,
  data: DataDirectory,
  scenario: Scenario,
  devices: readonly SimulatedDevice[],
): Promise<{ readonly [producer: string]: string }> {
  const kept = readJsonFile<SimulatorState>(data.simulatorFile)?.secrets ?? {};
  const missing = devices.filter((device) => kept[device.producer] === undefined);
  const secrets: { [producer: string]: string } = { ...kept };
  if (missing.length > 0) {
    // `replace`: when our file was lost, the names are still ours.
    const enrolments = await ingest.enrol(missing.map((device) => ({ ...deviceRequest(device), replace: true })));
    for (const { username, secret } of enrolments) secrets[username] = secret;
  }
  const state: SimulatorState = { ...scenario, secrets };
  writeSecret(data.simulatorFile, `${JSON.stringify(state, null, 2)}\n`);
  return secrets;
}

function deviceRequest(device: SimulatedDevice) {
  const { producer, agency, kind, name, region, location, dataset } = device;
  return { producer, agency, kind, name, region, location, datasets: [dataset], simulated: true };
}
