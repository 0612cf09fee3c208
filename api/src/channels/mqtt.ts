/** Tells of alerts on the topics of our own broker, which ingest runs: it has the message when ingest answers. */
import { AirtightError, type AlertAnnouncement, type AlertMessage } from '@airtight/protocol';
import type { IngestClient } from '../upstream/ingest-client.ts';
import type { Message } from './outbox.ts';
import type { Sent } from './webhook.ts';

export async function announce(ingest: Pick<IngestClient, 'announce'>, { name, body }: Pick<Message, 'name' | 'body'>): Promise<Sent> {
  const message: AlertAnnouncement = { id: name, ...(JSON.parse(body) as AlertMessage) };
  try {
    await ingest.announce(message);
    return { ok: true, detail: 'published' };
  } catch (error) {
    if (error instanceof AirtightError) return { ok: false, detail: error.code };
    throw error;
  }
}
