/** Peer (a): bare aedes as it comes, in a process of its own: in memory, no hooks, everyone may publish. */
import { fileURLToPath } from 'node:url';
import { freePort } from '@airtight/ledger/testing/free-port.ts';
import { accepts, Child } from '../processes/child.ts';
import { ANONYMOUS_MONITOR, anonymousDevices, type Target } from './target.ts';

export async function startAedes(logDirectory: string): Promise<Target> {
  const port = await freePort();
  const main = fileURLToPath(new URL('aedes-server/main.ts', import.meta.url));
  const child = new Child('aedes', [process.execPath, main, String(port)], logDirectory, { ipc: true });
  await child.ready(() => accepts(port));
  return {
    name: 'aedes',
    port,
    pids: { broker: child.pid },
    devices: async (count) => anonymousDevices(count),
    monitor: async () => ANONYMOUS_MONITOR,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
