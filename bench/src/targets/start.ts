/** Starts the brokers under test by name. */
import { progress } from '../report.ts';
import { startAedes } from './aedes.ts';
import { AirtightTarget } from './airtight.ts';
import { MOSQUITTO, startMosquitto } from './mosquitto.ts';
import type { Target } from './target.ts';

/**
 * Mosquitto is left out, with a word on it, when it is not installed.
 * @param directory for their data and logs
 * @param stack stops them
 * @throws RangeError for an unknown name
 */
export async function startTargets(names: readonly string[], directory: string, stack: AsyncDisposableStack): Promise<Target[]> {
  const targets: Target[] = [];
  for (const name of names) {
    progress(`starting ${name}`);
    const target = await startTarget(name, directory);
    if (target === null) progress(`${name} is left out: ${MOSQUITTO} is not installed`);
    else targets.push(stack.use(target));
  }
  return targets;
}

function startTarget(name: string, directory: string): Promise<Target | null> {
  switch (name) {
    case 'aedes':
      return startAedes(directory);
    case 'mosquitto':
      return startMosquitto(directory);
    case 'airtight':
      return AirtightTarget.start(directory);
    default:
      throw new RangeError(`no target ${name}`);
  }
}
