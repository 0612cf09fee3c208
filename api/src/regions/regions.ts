/** This region among others: its key, whom it knows, and what comes from them. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ApiConfig } from '../config.ts';
import { KnownRegions } from './known-regions.ts';
import { loadRegionKey, type RegionKey } from './region-key.ts';

export interface OwnRegion {
  /** Undefined: this deployment has no name among regions, and exchanges nothing. */
  readonly key: RegionKey | undefined;
  readonly known: KnownRegions;
}

/** @throws AirtightError CONFIG_INVALID */
export function ownRegion({ dataDir, regionName, regionsFile }: ApiConfig, logger: Logger): OwnRegion {
  const path = regionsFile === '' ? join(dataDir, 'keys', 'channels', 'regions.yaml') : regionsFile;
  return { key: regionName === '' ? undefined : loadRegionKey(dataDir, regionName), known: new KnownRegions(path, logger) };
}
