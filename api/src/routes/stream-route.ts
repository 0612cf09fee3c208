/** The live stream's door. */
import { AirtightError } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { identify, requireRole } from '../accounts/identity.ts';
import type { RouteContext } from './context.ts';

const StreamParameters = Type.Object({
  since: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  dataset: Type.Optional(Type.String({ maxLength: 64 })),
  producer: Type.Optional(Type.String({ maxLength: 64 })),
  conflate: Type.Optional(Type.Boolean()),
});

export function streamRoute(app: FastifyInstance, { stream, control, sessions, config, internalToken }: RouteContext): void {
  const options = {
    websocket: true,
    config: { access: 'viewer' },
    schema: { querystring: StreamParameters, description: 'WebSocket. Messages: docs/reference/http-api.md.' },
    // A page of another site may open a WebSocket here with the visitor's cookie: the browser only tells who asks.
    preValidation: async (request: { readonly headers: { readonly origin?: string | undefined; readonly host?: string | undefined } }) => {
      const { origin, host } = request.headers;
      if (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host))
        throw new AirtightError('ROLE_REQUIRED', `origin ${origin}`);
    },
  } as const;
  app.get<{ Querystring: Static<typeof StreamParameters> }>('/stream', options, (socket, request) => {
    const { since, dataset, producer, conflate } = request.query;
    const allowed = (): boolean => {
      try {
        requireRole(identify(request, { control, sessions, anonymousRole: config.anonymousRole, internalToken }), 'viewer');
        return true;
      } catch {
        return false;
      }
    };
    const isVisitor = request.identity.name === null;
    const closed = stream.serve(socket, since, { dataset, producer, conflate, isVisitor }, allowed);
    socket.on('close', closed);
    socket.on('error', () => socket.terminate());
  });
}
