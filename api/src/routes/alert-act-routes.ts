/** What people do with alerts. Each act is one record with its person. */
import { ACT_TEXT_MAX_LENGTH, AlertItem, IDEMPOTENCY_KEY_HEADER, IDEMPOTENCY_KEY_PATTERN } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, type TSchema, Type } from 'typebox';
import { type ActDraft, AlertActs, assignees } from '../alerts/alert-acts.ts';
import { AlertParameters } from './alert-routes.ts';
import type { RouteContext } from './context.ts';

/** Something must be said: white space alone says nothing. */
export const Reason = Type.String({ minLength: 1, maxLength: ACT_TEXT_MAX_LENGTH, pattern: '\\S' });
const Headers = Type.Object({ [IDEMPOTENCY_KEY_HEADER]: Type.Optional(Type.String({ pattern: IDEMPOTENCY_KEY_PATTERN })) });
const only = { additionalProperties: false } as const;
const Acknowledge = Type.Object({ comment: Type.Optional(Type.String({ maxLength: ACT_TEXT_MAX_LENGTH })) }, only);
const Shelve = Type.Object({ until: Type.String({ format: 'date-time' }), reason: Reason }, only);
const Close = Type.Object({ reason: Reason }, only);
/** Null: nobody any more. */
const Assign = Type.Object({ to: Type.Union([Type.String({ minLength: 1, maxLength: 64 }), Type.Null()]) }, only);
const Comment = Type.Object({ text: Reason }, only);
const Nothing = Type.Object({}, only);

export function alertActRoutes(app: FastifyInstance, context: RouteContext): void {
  const acts = new AlertActs(context);
  add('ack', Type.Optional(Acknowledge), (body) => ({ type: 'acknowledge', comment: body?.comment ?? '' }));
  add('shelve', Shelve, ({ until, reason }) => ({ type: 'shelve', until: Date.parse(until), reason }));
  add('unshelve', Type.Optional(Nothing), () => ({ type: 'unshelve' }));
  add('close', Close, ({ reason }) => ({ type: 'close', reason }));
  add('assign', Assign, ({ to }) => ({ type: 'assign', to: to ?? '' }));
  add('comment', Comment, ({ text }) => ({ type: 'comment', text }));
  add('approve', Type.Optional(Nothing), () => ({ type: 'approve' }));
  const schema = { response: { 200: Type.Object({ items: Type.Array(Type.String()) }) } };
  app.get('/assignees', { config: { access: 'operator' }, schema }, async () => ({ items: assignees(context) }));

  function add<T extends TSchema>(path: string, body: T, draftOf: (body: Static<T>) => ActDraft): void {
    const schema = { params: AlertParameters, headers: Headers, body, response: { 200: AlertItem } };
    app.post<{ Params: Static<typeof AlertParameters>; Headers: Static<typeof Headers>; Body: Static<T> }>(
      `/alerts/:id/${path}`,
      { config: { access: 'operator' }, schema },
      async (request) =>
        acts.perform(request.params.id, request.identity, draftOf(request.body as Static<T>), request.headers[IDEMPOTENCY_KEY_HEADER]),
    );
  }
}
