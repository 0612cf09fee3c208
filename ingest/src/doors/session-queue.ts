/**
 * Bounds what waits for subscribers that are away. aedes keeps every QoS 1 message for a persistent session until it is
 * acknowledged [MQTT-4.1.0-1]; one that never comes back would fill the memory.
 */
import type { Readable } from 'node:stream';
import type { Aedes } from 'aedes';

/** Messages that wait for one session; what comes beyond is not kept for it, and counted. An alert takes about 1 kB. */
export const SESSION_QUEUE_MAX = 1000;

interface Subscription {
  readonly clientId: string;
}

/** What of aedes-persistence is used; aedes itself gives it no type. */
interface Persistence {
  outgoingEnqueueCombi(subscriptions: readonly Subscription[], packet: unknown): Promise<void>;
  outgoingStream(client: { readonly id: string }): Readable;
}

/**
 * @param onDropped for each message that is not kept for a session
 * @param max messages of a session
 */
export function boundSessionQueues(aedes: Aedes, onDropped: () => void, max = SESSION_QUEUE_MAX): void {
  const { persistence } = aedes as unknown as { readonly persistence: Persistence };
  const enqueue = persistence.outgoingEnqueueCombi.bind(persistence);
  persistence.outgoingEnqueueCombi = async (subscriptions, packet) => {
    const waiting = await Promise.all(
      subscriptions.map(async ({ clientId }) => (await persistence.outgoingStream({ id: clientId }).toArray()).length),
    );
    const withRoom = subscriptions.filter((_, i) => (waiting[i] as number) < max);
    for (let i = withRoom.length; i < subscriptions.length; i++) onDropped();
    await enqueue(withRoom, packet);
  };
}
