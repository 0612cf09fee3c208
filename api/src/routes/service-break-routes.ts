/** Rules taken out of service, whole or for one subject, and returned. */
import { ruleIdsOf } from '@airtight/contracts-engine/contract-version.ts';
import {
  AirtightError,
  ALERTS_DATASET,
  type OutOfService,
  OutOfServiceItem,
  Page,
  type ReturnedToService,
  serviceId,
  transitionMessageId,
} from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { ActTurns } from '../alerts/act-turns.ts';
import type { ContractInForce } from '../control/contract-history.ts';
import { itemOf, OUT_OF_SERVICE_MAX } from '../project/service-breaks.ts';
import { Reason } from './alert-act-routes.ts';
import { AlertParameters } from './alert-routes.ts';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

const Name = Type.String({ minLength: 1, maxLength: 64 });
const NewBreak = Type.Object(
  {
    contract: Name,
    rule: Type.Optional(Type.Union([Name, Type.Null()])),
    /** A producer, or `region:…`, `agency:…`, as an alert names it. */
    subject: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 200 }), Type.Null()])),
    until: Type.Optional(Type.Union([Type.String({ format: 'date-time' }), Type.Null()])),
    reason: Reason,
  },
  { additionalProperties: false },
);
const Return = Type.Object({ reason: Reason }, { additionalProperties: false });

export function serviceBreakRoutes(app: FastifyInstance, context: RouteContext): void {
  const { services } = context;
  const turns = new ActTurns();
  const access = { access: 'viewer' } as const;
  app.get('/out-of-service', { config: access, schema: { response: { 200: Page(OutOfServiceItem) } } }, async () => ({
    items: services.list(),
    next: null,
  }));
  const schema = { body: NewBreak, response: { 200: OutOfServiceItem } };
  app.put<{ Body: Static<typeof NewBreak> }>('/out-of-service', { schema }, async (request) => {
    const { contract, reason } = request.body;
    const { rule = null, subject = null, until = null } = request.body;
    const known = contractWith(context, contract, rule);
    const untilMs = until === null ? null : Date.parse(until);
    if (untilMs !== null && untilMs <= Date.now()) throw new AirtightError('REQUEST_INVALID', 'until lies in the past');
    const id = serviceId({ contract, rule, subject });
    const by = request.identity.name as string;
    return turns.run(id, async () => {
      if (services.count >= OUT_OF_SERVICE_MAX && services.find(id) === undefined)
        throw new AirtightError('OUT_OF_SERVICE_FULL', String(OUT_OF_SERVICE_MAX));
      const act: OutOfService = {
        ...{ v: 1, type: 'out-of-service', alert: id, at: Date.now(), by },
        ...{ contract, rule, subject, reason, until: untilMs },
      };
      return itemOf({ position: await write(context, known.agency, act), act });
    });
  });
  const endSchema = { params: AlertParameters, body: Return, response: { 200: OutOfServiceItem } };
  app.post<{ Params: Static<typeof AlertParameters>; Body: Static<typeof Return> }>(
    '/out-of-service/:id/return',
    { schema: endSchema },
    async (request) => {
      const { id } = request.params;
      return turns.run(id, async () => {
        const out = services.find(id);
        if (out === undefined) throw new AirtightError('NOT_FOUND', `out of service: ${id}`);
        const { contract, rule, subject } = out;
        const { reason } = request.body;
        const by = request.identity.name as string;
        const act: ReturnedToService = {
          ...{ v: 1, type: 'return-to-service', alert: id, at: Date.now(), by },
          ...{ contract, rule, subject, reason },
        };
        await write(context, context.control.contractHistory.inForce(contract, Date.now())?.agency ?? '', act);
        return out;
      });
    },
  );
}

function contractWith({ control }: RouteContext, contract: string, rule: string | null): ContractInForce {
  const known = control.contractHistory.inForce(contract, Date.now());
  if (known === undefined) throw new AirtightError('NOT_FOUND', `contract ${contract}`);
  if (rule !== null && !ruleIdsOf(known.record.text).includes(rule)) throw new AirtightError('NOT_FOUND', `rule ${contract}/${rule}`);
  return known;
}

async function write({ ingest, fold }: RouteContext, agency: string, act: OutOfService | ReturnedToService): Promise<number> {
  const messageId = transitionMessageId(act);
  const [written] = await ingest.writeRecords([{ agency, dataset: ALERTS_DATASET, producer: act.contract, messageId, payload: act }]);
  if (written === undefined) throw new Error('ingest answered no position');
  await whenFolded(fold, written.position);
  return written.position;
}
