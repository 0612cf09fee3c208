/** The credentials of replayed stations, enrolled on first use and kept in `keys/replay.json`. */
import { EnvironmentError } from '../command.ts';
import { type DataDirectory, readInternalToken, readJsonFile, writeSecret } from '../data-directory.ts';
import { IngestClient } from '../ingest-client.ts';
import { UCI_REGION, uciStation } from './uci-stations.ts';

type Secrets = { readonly [producer: string]: string };

/** A station's producer name in this deployment. */
export function producerOf(station: string): string {
  return `uci-${station.toLowerCase()}`;
}

/**
 * Secrets of the stations, by producer. Asks ingest only for those that have none yet.
 * @throws EnvironmentError for a station the data set does not have, or when ingest does not answer
 */
export async function enrolReplayed(data: DataDirectory, url: string, agency: string, stations: readonly string[]): Promise<Secrets> {
  const kept = readJsonFile<Secrets>(data.replayFile) ?? {};
  const missing = [...new Set(stations)].filter((station) => kept[producerOf(station)] === undefined);
  if (missing.length === 0) return kept;
  const ingest = new IngestClient(url, readInternalToken(data));
  const enrolments = await ingest.enrol(missing.map((station) => deviceRequest(station, agency)));
  const secrets = { ...kept, ...Object.fromEntries(enrolments.map(({ username, secret }) => [username, secret])) };
  writeSecret(data.replayFile, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}

function deviceRequest(station: string, agency: string) {
  const known = uciStation(station);
  if (known === undefined) {
    throw new EnvironmentError({ zh: `数据集没有站点 ${station}`, en: `The data set has no station ${station}` });
  }
  return {
    producer: producerOf(station),
    agency,
    kind: 'air-station' as const,
    name: known.name,
    region: UCI_REGION,
    location: known.location,
    datasets: ['air'],
    // When our file of secrets was lost, the names are still ours.
    replace: true,
  };
}
