/** Backtests over HTTP: start, look how far it is, fetch the report, cancel. */
import { CONTRACT_MAX_BYTES } from '@airtight/contracts-engine';
import { AirtightError } from '@airtight/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { BacktestDesk, type BacktestJob } from '../backtest/backtest-desk.ts';
import type { RouteContext } from './context.ts';

const Time = Type.String({ format: 'date-time', maxLength: 40 });
const Text = Type.String({ minLength: 1, maxLength: CONTRACT_MAX_BYTES });
const Request = Type.Object({
  text: Text,
  against: Type.Optional(Text),
  from: Time,
  to: Time,
  through: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$' })),
});
/** Two texts in JSON, where a line break and a quote take two bytes. */
const BODY_MAX_BYTES = 4 * CONTRACT_MAX_BYTES + 8 * 1024;
const Parameters = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{16}$' }) });
const Progress = Type.Object({ phase: Type.Enum(['read', 'judge']), done: Type.Integer(), total: Type.Integer() });
/** `report`: airtight-backtest@1, docs/reference/contract-deployment.md. */
const JobItem = Type.Object({
  id: Type.String(),
  state: Type.Enum(['running', 'done', 'failed']),
  progress: Type.Union([Progress, Type.Null()]),
  code: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
  report: Type.Optional(Type.Object({}, { additionalProperties: true })),
});

export function backtestRoutes(app: FastifyInstance, { config: { ingestUrl }, internalToken }: RouteContext): void {
  const desk = new BacktestDesk({ ingestUrl, token: internalToken });
  app.addHook('onClose', async () => desk.close());
  const config = { access: 'operator' } as const;
  const schema = { body: Request, response: { 200: JobItem } };
  app.post<{ Body: Static<typeof Request> }>('/contracts/backtest', { config, bodyLimit: BODY_MAX_BYTES, schema }, async (request) => {
    const { text, against = null, through } = request.body;
    const [from, to] = [Date.parse(request.body.from), Date.parse(request.body.to)];
    if (!(from < to)) throw new AirtightError('REQUEST_INVALID', 'from lies before to');
    return itemOf(desk.start(personOf(request), { text, against, from, to, through: through === undefined ? null : Number(through) }));
  });
  const jobSchema = { params: Parameters, response: { 200: JobItem } };
  app.get<{ Params: { id: string } }>('/contracts/backtest/:id', { config, schema: jobSchema }, async (request) =>
    itemOf(desk.find(request.params.id, personOf(request))),
  );
  app.delete<{ Params: { id: string } }>(
    '/contracts/backtest/:id',
    { config, schema: { params: Parameters, response: { 204: Type.Null() } } },
    async (request, reply) => {
      desk.cancel(request.params.id, personOf(request));
      return reply.code(204).send(null);
    },
  );
}

function personOf({ identity }: FastifyRequest): string {
  return identity.name as string;
}

function itemOf({ id, progress, report, fault }: BacktestJob): Static<typeof JobItem> {
  if (report !== null) return { id, state: 'done', progress, report: { ...report } };
  if (fault !== null) return { id, state: 'failed', progress, ...fault };
  return { id, state: 'running', progress };
}
