/** What is told on the MQTT topics by order of the read side. */
import { AirtightError, type AlertAnnouncement, isName, SEVERITIES } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import type { IngestParts } from './parts.ts';

/** A message about an alert: a few kB at the most. */
const BODY_MAX_BYTES = 64 * 1024;
const text = { type: 'string', minLength: 1, maxLength: 256 } as const;

export function addAnnouncementRoutes(server: FastifyInstance, { broker }: IngestParts): void {
  const data = {
    type: 'object',
    required: ['agency', 'severity', 'contract'],
    properties: { agency: text, severity: { enum: SEVERITIES }, contract: text },
  };
  const body = { type: 'object', required: ['id', 'type', 'data'], properties: { id: text, type: text, data } };
  server.post<{ Body: AlertAnnouncement }>('/announcements', { bodyLimit: BODY_MAX_BYTES, schema: { body } }, async ({ body: message }) => {
    const { agency, contract } = message.data;
    // They become levels of a topic.
    if (![agency, contract].every(isName)) throw new AirtightError('NAME_INVALID', `${agency}/${contract}`);
    await broker.announceAlert(message);
    return {};
  });
}
