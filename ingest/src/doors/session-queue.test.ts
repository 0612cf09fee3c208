import assert from 'node:assert/strict';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { Aedes } from 'aedes';
import { boundSessionQueues } from './session-queue.ts';

interface Persistence {
  addSubscriptions(client: { id: string }, subscriptions: readonly { topic: string; qos: number }[]): Promise<void>;
  outgoingStream(client: { id: string }): Readable;
  outgoingClearMessageId(client: { id: string }, packet: { messageId: unknown }): Promise<unknown>;
}

test('what waits for a session is bounded, counted, and each session for itself', async () => {
  const aedes = await Aedes.createBroker();
  let dropped = 0;
  boundSessionQueues(aedes, () => dropped++, 3);
  const { persistence } = aedes as unknown as { persistence: Persistence };
  const publish = (payload: string) =>
    new Promise<void>((resolve, reject) =>
      aedes.publish({ cmd: 'publish', topic: 'alerts/x', payload, qos: 1, retain: false, dup: false }, (error) =>
        error ? reject(error) : resolve(),
      ),
    );
  const waiting = async (id: string) =>
    (await persistence.outgoingStream({ id }).toArray()).map(({ payload }: { payload: unknown }) => String(payload));
  await persistence.addSubscriptions({ id: 'away' }, [{ topic: 'alerts/#', qos: 1 }]);
  for (const payload of ['1', '2']) await publish(payload);
  await persistence.addSubscriptions({ id: 'later' }, [{ topic: 'alerts/#', qos: 1 }]);
  for (const payload of ['3', '4', '5']) await publish(payload);
  assert.deepEqual([await waiting('away'), await waiting('later'), dropped], [['1', '2', '3'], ['3', '4', '5'], 2]);
  await new Promise<void>((resolve) => aedes.close(resolve));
});
