/** Keys with which people sign what they do (docs/reference/signed-acts.md). Each is put on record, and ended, by a record. */
import { createHash } from 'node:crypto';
import {
  ACTS_PRODUCER,
  AirtightError,
  CONTROL_AGENCY,
  decodePublicKey,
  isSignedBy,
  KEYS_DATASET,
  type KeyRecord,
  Page,
  type PersonalSignature,
  possessionMessage,
} from '@airtight/protocol';
import { nobleAlgorithms } from '@airtight/tlog';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { requireRole } from '../accounts/identity.ts';
import { keyOfPerson, personOf, recordOfAct, Signature } from '../accounts/person.ts';
import { ActTurns } from '../alerts/act-turns.ts';
import type { KeyOnRecord } from '../control/control-state.ts';
import type { NewRecord } from '../upstream/ingest-client.ts';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

const KID_CHARACTERS = 16;
/** Keys one person may put on record in a lifetime: each stays there for ever. */
const KEYS_OF_PERSON_MAX = 100;
const KeyItem = Type.Object({
  person: Type.String(),
  kid: Type.String(),
  publicKey: Type.String(),
  validFrom: Type.String({ format: 'date-time' }),
  validTo: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  record: Type.String(),
});
const NewKey = Type.Object(
  { publicKey: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }), possession: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }) },
  { additionalProperties: false },
);
/** A person ends a key with the key itself; of who lost it an administrator does. */
const Ending = Type.Object({ signature: Type.Optional(Signature) }, { additionalProperties: false });
const KeyParameters = Type.Object({ person: Type.String({ maxLength: 64 }), kid: Type.String({ pattern: '^[0-9a-f]{16}$' }) });
interface EndRequest {
  Params: Static<typeof KeyParameters>;
  Body: Static<typeof Ending>;
}

/** Of two keys of one person at the same moment the first counts. */
const turns = new ActTurns();

export function signingKeyRoutes(app: FastifyInstance, context: RouteContext): void {
  const { control } = context;
  const list = { config: { access: 'viewer' }, schema: { response: { 200: Page(KeyItem) } } } as const;
  app.get('/signing-keys', list, async () => ({
    items: control.signers.flatMap((person) => control.personKeys(person)).map(itemOf),
    next: null,
  }));
  const config = { access: 'operator' } as const;
  const addSchema = { body: NewKey, response: { 201: KeyItem } };
  app.post<{ Body: Static<typeof NewKey> }>('/signing-keys', { config, schema: addSchema }, async ({ body, identity }, reply) => {
    const person = personOf(identity, control);
    return reply.code(201).send(itemOf(await turns.run(person, () => begin(person, body, context))));
  });
  const endSchema = { params: KeyParameters, body: Ending, response: { 200: KeyItem } };
  app.post<EndRequest>('/signing-keys/:person/:kid/end', { config, schema: endSchema }, async ({ params, body, identity }) => {
    const { person, kid } = params;
    const by = personOf(identity, control);
    if (by !== person) requireRole(identity, 'administrator');
    return turns.run(person, async () => {
      const known = control.personKeys(person).find(({ record }) => record.kid === kid);
      if (known === undefined) throw new AirtightError('NOT_FOUND', `key ${kid} of ${person}`);
      return itemOf(known.record.validTo === undefined ? await end(known.record, by, body.signature, context) : known);
    });
  });
}

/** @throws AirtightError SIGNATURE_INVALID, PERSON_KEY_EXISTS */
async function begin(person: string, { publicKey, possession }: Static<typeof NewKey>, context: RouteContext): Promise<KeyOnRecord> {
  const { control } = context;
  const bytes = decodePublicKey(publicKey);
  if (bytes === undefined || !isSignedBy(publicKey, possessionMessage(person, publicKey), possession, nobleAlgorithms))
    throw new AirtightError('SIGNATURE_INVALID', 'possession is not signed with this key');
  const now = Date.now();
  const current = keyOfPerson(person, control, now);
  if (current !== undefined) throw new AirtightError('PERSON_KEY_EXISTS', `${current.kid} counts; end it first`);
  const kid = createHash('sha256').update(bytes).digest('hex').slice(0, KID_CHARACTERS);
  const known = control.personKeys(person);
  if (known.length >= KEYS_OF_PERSON_MAX)
    throw new AirtightError('PERSON_KEY_EXISTS', `${KEYS_OF_PERSON_MAX} keys of ${person} are on record`);
  const owner = control.signers.find((other) => control.personKeys(other).some(({ record }) => record.kid === kid));
  // A key that ended never counts again: what it signed would be of two times.
  if (owner !== undefined) throw new AirtightError('PERSON_KEY_EXISTS', `${kid} is or was a key of ${owner}`);
  const payload: KeyRecord = {
    type: 'key',
    producer: ACTS_PRODUCER,
    agency: CONTROL_AGENCY,
    kid,
    publicKey,
    validFrom: now,
    person,
    by: person,
  };
  return keep(
    { agency: CONTROL_AGENCY, dataset: KEYS_DATASET, producer: ACTS_PRODUCER, messageId: `id:${kid}.begins`, payload },
    payload,
    context,
  );
}

/** @throws AirtightError SIGNATURE_MISSING, SIGNATURE_INVALID */
function end(record: KeyRecord, by: string, signature: PersonalSignature | undefined, context: RouteContext): Promise<KeyOnRecord> {
  const payload: KeyRecord = { ...record, validTo: signature?.at ?? Date.now(), by };
  const act = { person: by, dataset: KEYS_DATASET, messageId: `id:${record.kid}.ends`, payload };
  return keep(recordOfAct(act, signature, context), payload, context);
}

async function keep(written: NewRecord, record: KeyRecord, { ingest, fold }: RouteContext): Promise<KeyOnRecord> {
  const [stored] = await ingest.writeRecords([written]);
  if (stored === undefined) throw new AirtightError('SERVICE_UNAVAILABLE', 'ingest answered without a position');
  await whenFolded(fold, stored.position);
  return { position: stored.position, record };
}

function itemOf({ position, record }: KeyOnRecord): Static<typeof KeyItem> {
  const { person = '', kid, publicKey, validFrom, validTo } = record;
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    person,
    kid,
    publicKey,
    validFrom: time(validFrom),
    validTo: validTo === undefined ? null : time(validTo),
    record: String(position),
  };
}
