/**
 * The load generator: a process of its own, so that making messages and judging answers costs the brokers under test
 * nothing but a core. Told by its parent over IPC: one `connect`, then any number of rounds.
 */
import type { ConnectRequest, GeneratorAnswer, GeneratorRequest } from './messages.ts';
import { TimeDigits } from './publish-frames.ts';
import { Publisher } from './publisher.ts';
import { idleState, runRound } from './round.ts';

/** Logins at the same time: a broker that hashes passwords slowly must not be flooded with a thousand of them. */
const CONNECTING_MAX = 16;

const state = idleState(new TimeDigits());
const publishers: Publisher[] = [];

function fail(error: unknown): void {
  console.error('generator:', error);
  process.exit(1);
}

function answer(message: GeneratorAnswer): void {
  process.send?.(message);
}

async function connectAll(request: ConnectRequest): Promise<void> {
  const waiting = request.devices.values();
  const lane = async (): Promise<void> => {
    for (const device of waiting) {
      const publisher = new Publisher({ host: request.host, port: request.port }, device, request.inFlight, request.firstSeq, state);
      publishers.push(publisher);
      await publisher.connected(fail);
    }
  };
  await Promise.all(Array.from({ length: CONNECTING_MAX }, lane));
  answer({ type: 'connected' });
}

process.on('message', (request: GeneratorRequest) => {
  if (request.type === 'connect') connectAll(request).catch(fail);
  else runRound(publishers, state, request).then(answer, fail);
});
process.on('disconnect', () => process.exit(0));
answer({ type: 'ready' });
