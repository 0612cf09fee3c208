/** The three regions of the demonstration: where each lies on this machine. */
import { join } from 'node:path';
import type { Bilingual } from '@airtight/protocol';
import { type DataDirectory, dataDirectory } from '../data-directory.ts';
import { LOOPBACK, type Ports } from '../endpoints.ts';
import type { Province } from '../simulation/network.ts';

export interface Region {
  readonly id: string;
  readonly title: Bilingual;
  readonly province: Province;
  readonly data: DataDirectory;
  readonly configFile: string;
  readonly ports: Ports;
  /** Its one public port. */
  readonly url: string;
  /** Names of its log and of its witness. */
  readonly origin: string;
  readonly witnessName: string;
  /** Name of the key with which it signs alerts for the others. */
  readonly regionName: string;
}

/** From one region's ports to the next one's. */
export const PORT_STEP = 10;
const PLACES = [
  { id: 'beijing', title: { zh: '北京', en: 'Beijing' }, province: 'bj' },
  { id: 'tianjin', title: { zh: '天津', en: 'Tianjin' }, province: 'tj' },
  { id: 'hebei', title: { zh: '河北', en: 'Hebei' }, province: 'he' },
] as const;
export const REGION_IDS: readonly string[] = PLACES.map(({ id }) => id);

/** @param firstPort of the first region's pages; the other ports follow it */
export function regionsIn(root: string, firstPort: number): readonly Region[] {
  return PLACES.map(({ id, title, province }, at): Region => {
    const http = firstPort + at * PORT_STEP;
    return {
      ...{ id, title, province },
      data: dataDirectory(join(root, id)),
      configFile: join(root, `${id}.yaml`),
      ports: { http, mqtt: http + 1, ingest: http + 2, ledger: http + 3 },
      url: `http://${LOOPBACK}:${http}`,
      origin: `ledger.example.gov/${id}`,
      witnessName: `witness.example.gov/${id}`,
      regionName: `alerts.example.gov/${id}`,
    };
  });
}
