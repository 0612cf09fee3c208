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
  type PersonalSignature,
} from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { type Act, personOf, recordOfAct, Signature } from '../accounts/person.ts';
import { ActTurns } from '../alerts/act-turns.ts';
import type { ContractInForce, DraftOnRecord } from '../control/contract-history.ts';
import type { ControlState } from '../control/control-state.ts';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

const TEXT_LENGTH_MAX = 1000;
/** JSON writes a line break and a quote as two bytes. */
const BODY_MAX_BYTES = 2 * CONTRACT_MAX_BYTES + 8 * 1024;
/** Drafts that nobody has decided on. */
const OPEN_DRAFTS_MAX = 256;

const Time = Type.String({ format: 'date-time', maxLength: 40 });
const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });
const Text = Type.String({ minLength: 1, maxLength: CONTRACT_MAX_BYTES });
const Reason = Type.String({ minLength: 1, maxLength: TEXT_LENGTH_MAX });
/** Id of the person's own key with which it was signed. */
const SignedWith = Type.Union([Type.String(), Type.Null()]);
/** A version of a contract; `since`: from when it is or was in force. */
const ContractItem = Type.Object({
  contract: Type.String(),
  version: Type.String(),
  text: Type.String(),
  author: Type.String(),
  approver: Type.String(),
  authorKey: SignedWith,
  approverKey: SignedWith,
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
  authorKey: SignedWith,
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
  signature: Type.Optional(Signature),
});
const Approval = Type.Object({ signature: Type.Optional(Signature) });
const Withdrawal = Type.Object({
  version: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  reason: Reason,
  signature: Type.Optional(Signature),
});

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
      items: inForce
        .filter(({ record }) => query.contract === undefined || record.contract === query.contract)
        .map((version) => shownItem(version, control)),
      next: null,
    };
  });
  const nameSchema = { params: Type.Object({ contract: Name }), response: { 200: Page(VersionItem) } };
  app.get<{ Params: { contract: string } }>('/contracts/:contract/versions', { config, schema: nameSchema }, async ({ params }) => ({
    items: control.contractHistory.versions(params.contract).map((version) => versionItemOf(version, control)),
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
      const { text, effectiveFrom, note = '', signature } = request.body;
      const { contract, version } = checked(text, context);
      if (signature?.id !== undefined && control.contractHistory.draft(signature.id) !== undefined)
        throw new AirtightError('REQUEST_INVALID', `draft ${signature.id} is on record already`);
      const open = control.contractHistory.drafts().filter(({ state }) => state === 'open');
      if (open.length >= OPEN_DRAFTS_MAX) throw new AirtightError('OVERLOADED', `${OPEN_DRAFTS_MAX} drafts are open`);
      const draft: ContractDraft = {
        ...{
          type: 'contract-draft',
          draft: signature?.id ?? newId(),
          contract,
          version,
          text,
          author: personOf(request.identity, control),
        },
        ...{ at: signature?.at ?? Date.now(), note },
        ...(effectiveFrom === undefined ? {} : { effectiveFrom: Date.parse(effectiveFrom) }),
      };
      const position = await write(context, { person: draft.author, messageId: `id:draft.${draft.draft}`, payload: draft }, signature);
      return draftItemOf({ position, record: draft, key: signature?.kid ?? null, state: 'open' });
    },
  );
}

function decisionRoutes(app: FastifyInstance, context: RouteContext): void {
  const { control } = context;
  const config = { access: 'administrator' } as const;
  const approveSchema = { params: DraftParameters, body: Approval, response: { 200: ContractItem } };
  app.post<{ Params: { draft: string }; Body: Static<typeof Approval> }>(
    '/contracts/drafts/:draft/approve',
    { config, schema: approveSchema },
    async ({ params, body, identity }) =>
      turns.run(params.draft, () => approve(openDraft(params.draft, context), { approver: personOf(identity, control), ...body }, context)),
  );
  const Reasoned = Type.Object({ reason: Reason, signature: Type.Optional(Signature) });
  const rejectSchema = { params: DraftParameters, body: Reasoned, response: { 200: DraftItem } };
  app.post<{ Params: { draft: string }; Body: Static<typeof Reasoned> }>(
    '/contracts/drafts/:draft/withdraw',
    { config: { access: 'operator' }, schema: rejectSchema },
    async (request) =>
      turns.run(request.params.draft, async () => {
        const known = openDraft(request.params.draft, context);
        const { contract, version, draft } = known.record;
        const { reason, signature } = request.body;
        await withdraw({ contract, version, draft, by: personOf(request.identity, control), reason }, signature, context);
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
      const { version, reason, signature } = request.body;
      const now = Date.now();
      const candidates = [...control.contractHistory.inForceAt(now), ...control.contractHistory.scheduledAfter(now)];
      if (!candidates.some(({ record }) => record.contract === contract && record.version === version))
        throw new AirtightError('NOT_FOUND', `no version ${version} of ${contract} is in force or waits`);
      const by = personOf(request.identity, control);
      return { record: String(await withdraw({ contract, version, by, reason }, signature, context)) };
    },
  );
}

/** Author and approver are two people. @throws AirtightError CONTRACT_NOT_APPROVABLE; CONTRACT_INVALID when datasets have changed since */
async function approve(
  { record, key }: DraftOnRecord,
  { approver, signature }: Static<typeof Approval> & { readonly approver: string },
  context: RouteContext,
): Promise<Static<typeof ContractItem>> {
  const { contract, version, text, author, effectiveFrom, draft } = record;
  if (author === approver) throw new AirtightError('CONTRACT_NOT_APPROVABLE', `${author} is its author; another person approves`);
  if (checked(text, context).version !== version)
    throw new AirtightError('CONTRACT_NOT_APPROVABLE', 'the engine has changed since; propose it anew');
  const approved: ContractRecord = {
    ...{ type: 'contract', contract, version, text, author, approver },
    ...(effectiveFrom === undefined ? {} : { effectiveFrom }),
    draft,
  };
  const position = await write(context, { person: approver, messageId: `id:approve.${draft}`, payload: approved }, signature);
  const since = Math.max(Date.now(), effectiveFrom ?? 0);
  return itemOf({ agency: CONTROL_AGENCY, position, since, record: approved, key: signature?.kid ?? null }, key);
}

function withdraw(
  what: Omit<ContractWithdrawal, 'type' | 'at'>,
  signature: PersonalSignature | undefined,
  context: RouteContext,
): Promise<number> {
  const payload: ContractWithdrawal = { type: 'contract-withdrawal', ...what, at: signature?.at ?? Date.now() };
  return write(context, { person: what.by, messageId: `id:withdraw.${what.draft ?? newId()}`, payload }, signature);
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

function newId(): string {
  return randomBytes(8).toString('hex');
}

async function write(context: RouteContext, act: Omit<Act, 'dataset'>, signature: PersonalSignature | undefined): Promise<number> {
  const { ingest, fold } = context;
  const [written] = await ingest.writeRecords([recordOfAct({ ...act, dataset: CONTRACTS_DATASET }, signature, context)]);
  if (written === undefined) throw new AirtightError('SERVICE_UNAVAILABLE', 'ingest answered without a position');
  // Of two that decided at once, through two services, the first is on record.
  if (written.repeat) throw new AirtightError('CONTRACT_NOT_APPROVABLE', 'it was decided already');
  await whenFolded(fold, written.position);
  return written.position;
}

function itemOf({ position, since, record, key }: ContractInForce, authorKey: string | null): Static<typeof ContractItem> {
  const { contract, version, text, author, approver } = record;
  return {
    ...{ contract, version, text, author, approver, authorKey, approverKey: key },
    ...{ since: new Date(since).toISOString(), record: String(position) },
  };
}

/** With the author's key of the draft that was approved. */
function shownItem(inForce: ContractInForce, { contractHistory }: Pick<ControlState, 'contractHistory'>): Static<typeof ContractItem> {
  const { draft } = inForce.record;
  return itemOf(inForce, draft === undefined ? null : (contractHistory.draft(draft)?.key ?? null));
}

function versionItemOf(version: ContractInForce, control: Pick<ControlState, 'contractHistory'>): Static<typeof VersionItem> {
  const { until, withdrawn } = control.contractHistory.end(version);
  const told = withdrawn && {
    ...{ by: withdrawn.record.by, at: new Date(withdrawn.at).toISOString() },
    ...{ reason: withdrawn.record.reason, record: String(withdrawn.position) },
  };
  return { ...shownItem(version, control), until: until === null ? null : new Date(until).toISOString(), withdrawn: told };
}

function draftItemOf({ position, record, key, state }: DraftOnRecord): Static<typeof DraftItem> {
  const { draft, contract, version, text, author, at, effectiveFrom, note } = record;
  return {
    ...{ draft, contract, version, text, author, authorKey: key, note, state },
    at: new Date(at).toISOString(),
    effectiveFrom: effectiveFrom === undefined ? null : new Date(effectiveFrom).toISOString(),
    record: String(position),
  };
}
