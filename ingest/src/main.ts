/** Entry of the ingest service: configuration, start, signals, exit code. The only file here that ends the process. */
import { readFileSync } from 'node:fs';
import { AirtightError, resolveConfig } from '@airtight/protocol';
import pino from 'pino';
import { parse } from 'yaml';
import { INGEST_SETTINGS } from './config.ts';
import { startIngest } from './ingest.ts';

const CLOSE_TIMEOUT_MS = 3000;

const file = process.env['AIRTIGHT_CONFIG'];
const sections = file === undefined ? undefined : parse(readFileSync(file, 'utf8'));
const config = resolveConfig(INGEST_SETTINGS, sections?.ingest, process.env);
const logger = pino({ name: 'ingest', level: config.logLevel });

function fail(error: unknown): never {
  logger.fatal({ err: error, code: error instanceof AirtightError ? error.code : 'INTERNAL' }, 'ingest stops');
  process.exit(1);
}

try {
  const ingest = await startIngest(config, logger, fail);
  const stop = (): void => {
    setTimeout(() => process.exit(1), CLOSE_TIMEOUT_MS).unref();
    ingest.close().then(() => process.exit(0), fail);
  };
  process.on('SIGHUP', () => ingest.reloadCertificate());
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
} catch (error) {
  fail(error);
}
