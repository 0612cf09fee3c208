/** The service as its tests start it: ports that are free, nothing in its log. */
import { resolveConfig } from '@airtight/protocol';
import pino from 'pino';
import { INGEST_SETTINGS } from '../config.ts';
import { type Ingest, startIngest } from '../ingest.ts';

/** Longer than any test: a tick or a gap that is put on record between two looks at the journal's head would be counted as what came by a door. */
const TICK_INTERVAL_MS = 3_600_000;
const GAP_WINDOW_S = '86400';

/** @param env settings besides the ports. The journal gets what comes by the doors and nothing by itself. */
export function startWithoutTicks(env: { readonly [name: string]: string }): Promise<Ingest> {
  const settings = { AIRTIGHT_INGEST_PORT: '0', AIRTIGHT_INGEST_MQTT_PORT: '0', AIRTIGHT_INGEST_GAP_WINDOW_S: GAP_WINDOW_S, ...env };
  const fail = (error: Error): void => {
    throw error;
  };
  return startIngest(resolveConfig(INGEST_SETTINGS, undefined, settings), pino({ level: 'silent' }), fail, TICK_INTERVAL_MS);
}
