/** Contracts: those in force at any time, drafts, and the way of a draft into force by two people. */
import { randomBytes } from 'node:crypto';
import { CONTRACT_MAX_BYTES, type Contract, ENGINE_VERSION, parseContract } from '@airtight/contracts-engine';
import contractSchema from '@airtight/contracts-engine/contract.schema.json' with { type: 'json' };
import {
  AirtightError,
  CONTRACTS_DATASET,
  CONTROL_AGENCY,
  type ContractDraft,
  type ContractRecord,
  type ContractWithdrawal,
  Page,
} from '@airtight/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { ActTurns } from '../alerts/act-turns.ts';
import type { ContractHistory, ContractInForce, DraftOnRecord } from '../control/contract-history.ts';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

const PRODUCER = 'airtight-api';
const TEXT_LENGTH_MAX = 1000;
/** JSON writes a line break and a quote as two bytes. */
const BODY_MAX_BYTES = 2 * CONTRACT_MAX_BYTES + 8 * 1024;
/** Drafts that nobody has decided on. */
const OPEN_DRAFTS_MAX = 256;

/** How an identity by token is called (accounts/identity.ts). */
const TOKEN_NAME = 'token:';

const Time = Type.String({ format: 'date-time', maxLength: 40 });
const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });
const Text = Type.String({ minLength: 1, maxLength: CONTRACT_MAX_BYTES });
const Reason = Type.String({ minLength: 1, maxLength: TEXT_LENGTH_MAX });
/** A version of a contract; `since`: from when it is or was in force. */
const ContractItem = Type.Object({
  contract: Type.String(),
  version: Type.String(),
  text: Type.String(),
  author: Type.String(),
  approver: Type.String(),
  since: Type.String({ format: 'date-time' }),
  record: Type.String(),
});
/** How a version ended; `withdrawn` null: nobody has taken it back, another may have followed it. */
const VersionItem = Type.Object({
  ...ContractItem.properties,
  until: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  withdrawn: Type.Union([
    Type.Object({ by: Type.String(), at: Type.String({ format: 'date-time' }), reason: Type.String(), record: Type.String() }),
    Type.Null(),
  ]),
});
const DraftItem = Type.Object({
  draft: Type.String(),
  contract: Type.String(),
  version: Type.String(),
  text: Type.String(),
  author: Type.String(),
  at: Type.String({ format: 'date-time' }),
  effectiveFrom: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  note: Type.String(),
  state: Type.Enum(['open', 'approved', 'withdrawn']),
  record: Type.String(),
});
const Fault = Type.Object({
  fault: Type.String(),
  line: Type.Integer(),
  column: Type.Integer(),
  zh: Type.String(),
  en: Type.String(),
});
const CheckAnswer = Type.Object({
  engine: Type.String(),
  contract: Type.Union([Type.String(), Type.Null()]),
  version: Type.Union([Type.String(), Type.Null()]),
  faults: Type.Array(Fault),
});
const ListParameters = Type.Object({ at: Type.Optional(Time), contract: Type.Optional(Name) });
const DraftParameters = Type.Object({ draft: Type.String({ pattern: '^[0-9a-f]{16}$' }) });
const Proposal = Type.Object({
  text: Text,
  effectiveFrom: Type.Optional(Time),
  note: Type.Optional(Type.String({ maxLength: TEXT_LENGTH_MAX })),
});
const Withdrawal = Type.Object({ version: Type.String({ pattern: '^[0-9a-f]{64}$' }), reason: Reason });

/** One at a time for each draft: of two people who decide at once the first wins. */
const turns = new ActTurns();

export function contractRoutes(app: FastifyInstance, context: RouteContext): void {
  listRoutes(app, context);
  draftRoutes(app, context);
  decisionRoutes(app, context);
  // Editors ask for it without a token.
  app.get('/contracts/schema', { config: { access: 'anyone' } }, async (_, reply) =>
    reply.type('application/schema+json').send(JSON.stringify(contractSchema)),
  );
}

function listRoutes(app: FastifyInstance, { control }: RouteContext): void {
  const config = { access: 'viewer' } as const;
  const schema = { querystring: ListParameters, response: { 200: Page(ContractItem) } };
  app.get<{ Querystring: Static<typeof ListParameters> }>('/contracts', { config, schema }, async ({ query }) => {
    const at = query.at === undefined ? Date.now() : Date.parse(query.at);
    const inForce = control.contractHistory.inForceAt(at);
    return {
      items: inForce.filter(({ record }) => query.contract === undefined || record.contract === query.contract).map(itemOf),
      next: null,
    };
  });
  const nameSchema = { params: Type.Object({ contract: Name }), response: { 200: Page(VersionItem) } };
  app.get<{ Params: { contract: string } }>('/contracts/:contract/versions', { config, schema: nameSchema }, async ({ params }) => ({
    items: control.contractHistory.versions(params.contract).map((version) => versionItemOf(version, control.contractHistory)),
    next: null,
  }));
  const checkSchema = { body: Type.Object({ text: Text }), response: { 200: CheckAnswer } };
  app.post<{ Body: { text: string } }>('/contracts/check', { config, bodyLimit: BODY_MAX_BYTES, schema: checkSchema }, async ({ body }) => {
    const outcome = parse(body.text, { control });
    return {
      engine: ENGINE_VERSION,
      contract: outcome.ok ? outcome.contract.contract : null,
      version: outcome.ok ? outcome.contract.version : null,
      faults: outcome.ok ? [] : outcome.errors.map(({ fault, line, column, zh, en }) => ({ fault, line, column, zh, en })),
    };
  });
}

function draftRoutes(app: FastifyInstance, context: RouteContext): void {
  const { control } = context;
  const draftsSchema = { response: { 200: Page(DraftItem) } };
  app.get('/contracts/drafts', { config: { access: 'viewer' }, schema: draftsSchema }, async () => ({
    items: control.contractHistory.drafts().map(draftItemOf),
    next: null,
  }));
  const schema = { body: Proposal, response: { 200: DraftItem } };
  app.post<{ Body: Static<typeof Proposal> }>(
    '/contracts',
    { config: { access: 'operator' }, bodyLimit: BODY_MAX_BYTES, schema },
    async (request) => {
      const { text, effectiveFrom, note = '' } = request.body;
      const { contract, version } = checked(text, context);
      const open = control.contractHistory.drafts().filter(({ state }) => state === 'open');
      if (open.length >= OPEN_DRAFTS_MAX) throw new AirtightError('OVERLOADED', `${OPEN_DRAFTS_MAX} drafts are open`);
      const draft: ContractDraft = {
        ...{ type: 'contract-draft', draft: randomBytes(8).toString('hex'), contract, version, text, author: personOf(request, context) },
        ...{ at: Date.now(), note },
        ...(effectiveFrom === undefined ? {} : { effectiveFrom: Date.parse(effectiveFrom) }),
      };
      const position = await write(context, `id:draft.${draft.draft}`, draft);
      return draftItemOf({ position, record: draft, state: 'open' });
    },
  );
}

function decisionRoutes(app: FastifyInstance, context: RouteContext): void {
  const { control } = context;
  const config = { access: 'administrator' } as const;
  const approveSchema = { params: DraftParameters, response: { 200: ContractItem } };
  app.post<{ Params: { draft: string } }>('/contracts/drafts/:draft/approve', { config, schema: approveSchema }, async (request) =>
    turns.run(request.params.draft, () => approve(openDraft(request.params.draft, context), personOf(request, context), context)),
  );
  const Reasoned = Type.Object({ reason: Reason });
  const rejectSchema = { params: DraftParameters, body: Reasoned, response: { 200: DraftItem } };
  app.post<{ Params: { draft: string }; Body: Static<typeof Reasoned> }>(
    '/contracts/drafts/:draft/withdraw',
    { config: { access: 'operator' }, schema: rejectSchema },
    async (request) =>
      turns.run(request.params.draft, async () => {
        const known = openDraft(request.params.draft, context);
        const { contract, version, draft } = known.record;
        await withdraw({ contract, version, draft, by: personOf(request, context), reason: request.body.reason }, context);
        return draftItemOf({ ...known, state: 'withdrawn' });
      }),
  );
  const params = Type.Object({ contract: Name });
  const withdrawSchema = { params, body: Withdrawal, response: { 200: Type.Object({ record: Type.String() }) } };
  app.post<{ Params: { contract: string }; Body: Static<typeof Withdrawal> }>(
    '/contracts/:contract/withdraw',
    { config, schema: withdrawSchema },
    async (request) => {
      const { contract } = request.params;
      const { version, reason } = request.body;
      const now = Date.now();
      const candidates = [...control.contractHistory.inForceAt(now), ...control.contractHistory.scheduledAfter(now)];
      if (!candidates.some(({ record }) => record.contract === contract && record.version === version))
        throw new AirtightError('NOT_FOUND', `no version ${version} of ${contract} is in force or waits`);
      return { record: String(await withdraw({ contract, version, by: personOf(request, context), reason }, context)) };
    },
  );
}

/** Author and approver are two people. @throws AirtightError CONTRACT_NOT_APPROVABLE; CONTRACT_INVALID when datasets have changed since */
async function approve({ record }: DraftOnRecord, approver: string, context: RouteContext): Promise<Static<typeof ContractItem>> {
  const { contract, version, text, author, effectiveFrom, draft } = record;
  if (author === approver) throw new AirtightError('CONTRACT_NOT_APPROVABLE', `${author} is its author; another person approves`);
  if (checked(text, context).version !== version)
    throw new AirtightError('CONTRACT_NOT_APPROVABLE', 'the engine has changed since; propose it anew');
  const approved: ContractRecord = {
    ...{ type: 'contract', contract, version, text, author, approver },
    ...(effectiveFrom === undefined ? {} : { effectiveFrom }),
    draft,
  };
  const position = await write(context, `id:approve.${draft}`, approved);
  return itemOf({ agency: CONTROL_AGENCY, position, since: Math.max(Date.now(), effectiveFrom ?? 0), record: approved });
}

function withdraw(what: Omit<ContractWithdrawal, 'type' | 'at'>, context: RouteContext): Promise<number> {
  const record: ContractWithdrawal = { type: 'contract-withdrawal', ...what, at: Date.now() };
  return write(context, `id:withdraw.${what.draft ?? randomBytes(8).toString('hex')}`, record);
}

function openDraft(id: string, { control }: RouteContext): DraftOnRecord {
  const known = control.contractHistory.draft(id);
  if (known === undefined) throw new AirtightError('NOT_FOUND', `draft ${id}`);
  if (known.state !== 'open') throw new AirtightError('CONTRACT_NOT_APPROVABLE', `it is ${known.state}`);
  return known;
}

function parse(text: string, { control }: Pick<RouteContext, 'control'>) {
  const definitions = new Map(control.datasets.all().map((definition) => [definition.dataset, definition]));
  const { contractHistory } = control;
  // One that is yet to come into force counts as well: with it the circle would be closed.
  const scheduled = contractHistory.scheduledAfter(Date.now());
  const textOf = (name: string) =>
    (scheduled.find(({ record }) => record.contract === name) ?? contractHistory.inForce(name, Date.now()))?.record.text;
  return parseContract(text, definitions, textOf);
}

function checked(text: string, context: RouteContext): Contract {
  const outcome = parse(text, context);
  if (outcome.ok) return outcome.contract;
  const [fault] = outcome.errors;
  throw new AirtightError('CONTRACT_INVALID', `${fault?.line}:${fault?.column} ${fault?.en}`);
}

/** The person: of a program's token the one who made it, so that a second token is no second person. */
function personOf({ identity }: FastifyRequest, { control }: RouteContext): string {
  const name = identity.name as string;
  return name.startsWith(TOKEN_NAME) ? (control.tokens.get(name.slice(TOKEN_NAME.length))?.createdBy ?? name) : name;
}

async function write({ ingest, fold }: RouteContext, messageId: string, payload: object): Promise<number> {
  const [written] = await ingest.writeRecords([
    { agency: CONTROL_AGENCY, dataset: CONTRACTS_DATASET, producer: PRODUCER, messageId, payload },
  ]);
  if (written === undefined) throw new AirtightError('SERVICE_UNAVAILABLE', 'ingest answered without a position');
  // Of two that decided at once, through two services, the first is on record.
  if (written.repeat) throw new AirtightError('CONTRACT_NOT_APPROVABLE', 'it was decided already');
  await whenFolded(fold, written.position);
  return written.position;
}

function itemOf({ position, since, record: { contract, version, text, author, approver } }: ContractInForce): Static<typeof ContractItem> {
  return { contract, version, text, author, approver, since: new Date(since).toISOString(), record: String(position) };
}

function versionItemOf(version: ContractInForce, history: ContractHistory): Static<typeof VersionItem> {
  const { until, withdrawn } = history.end(version);
  const told = withdrawn && {
    ...{ by: withdrawn.record.by, at: new Date(withdrawn.at).toISOString() },
    ...{ reason: withdrawn.record.reason, record: String(withdrawn.position) },
  };
  return { ...itemOf(version), until: until === null ? null : new Date(until).toISOString(), withdrawn: told };
}

function draftItemOf({ position, record, state }: DraftOnRecord): Static<typeof DraftItem> {
  const { draft, contract, version, text, author, at, effectiveFrom, note } = record;
  return {
    ...{ draft, contract, version, text, author, note, state },
    at: new Date(at).toISOString(),
    effectiveFrom: effectiveFrom === undefined ? null : new Date(effectiveFrom).toISOString(),
    record: String(position),
  };
}
