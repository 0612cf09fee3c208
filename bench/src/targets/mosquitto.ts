/** Peer (b): mosquitto from the system's package, nothing on disk, everyone may publish. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@airtight/ledger/testing/free-port.ts';
import { accepts, Child } from '../processes/child.ts';
import { ANONYMOUS_MONITOR, anonymousDevices, type Target } from './target.ts';

export const MOSQUITTO = '/usr/sbin/mosquitto';

/** @returns null when mosquitto is not installed */
export async function startMosquitto(directory: string): Promise<Target | null> {
  if (!existsSync(MOSQUITTO)) return null;
  const port = await freePort();
  const config = join(directory, 'mosquitto.conf');
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'persistence false', 'log_type error', 'set_tcp_nodelay true'];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const child = new Child('mosquitto', [MOSQUITTO, '-c', config], directory);
  await child.ready(() => accepts(port));
  return {
    name: 'mosquitto',
    port,
    pids: { broker: child.pid },
    devices: async (count) => anonymousDevices(count),
    monitor: async () => ANONYMOUS_MONITOR,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
