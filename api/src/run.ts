/** Runs the service until it is asked to stop. */
import { once } from 'node:events';
import pino from 'pino';
import { loadApiConfig } from './config.ts';
import { startApi } from './service.ts';

/** @returns the exit status of the process */
export async function run(): Promise<number> {
  const fallback = pino({ name: 'api' });
  try {
    const config = loadApiConfig(process.env);
    const logger = pino({ name: 'api', level: config.logLevel });
    const stop = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
    const api = await startApi(config, logger);
    logger.info({ url: api.url }, 'api is up');
    await stop;
    logger.info('stopping');
    await api.close();
    return 0;
  } catch (error) {
    fallback.fatal({ err: error }, 'api cannot run');
    return 1;
  }
}
