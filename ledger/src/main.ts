/** Entry of the ledger service: configuration, start, signals, exit code. The only file here that ends the process. */
import { readFileSync } from 'node:fs';
import pino from 'pino';
import { parse } from 'yaml';
import { resolveLedgerConfig } from './config.ts';
import { LedgerError } from './ledger-error.ts';
import { startLedger } from './service.ts';

/** A commit takes milliseconds; a disk that does not answer must not hold up the end. */
const CLOSE_TIMEOUT_MS = 2000;

let logger = pino({ name: 'ledger' });

function fail(error: unknown): never {
  logger.fatal({ err: error, code: error instanceof LedgerError ? error.code : 'INTERNAL' }, 'ledger stops');
  process.exit(1);
}

try {
  const file = process.env['AIRTIGHT_CONFIG'];
  const sections = file === undefined ? undefined : parse(readFileSync(file, 'utf8'));
  const config = resolveLedgerConfig(sections?.ledger, process.env);
  logger = pino({ name: 'ledger', level: config.logLevel });
  const ledger = await startLedger(config, logger, fail);
  const stop = (): void => {
    setTimeout(() => process.exit(1), CLOSE_TIMEOUT_MS).unref();
    ledger.close().then(() => process.exit(0), fail);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
} catch (error) {
  fail(error);
}
