/** Signing in and out; accounts and API tokens. */
import { randomBytes } from 'node:crypto';
import {
  ACTS_PRODUCER,
  AirtightError,
  CONTROL_AGENCY,
  isName,
  Page,
  type Role,
  Session,
  type TokenRecord,
  USERS_DATASET,
  type UserRecord,
} from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { type Identity, SESSION_COOKIE, tokenSecretHash } from '../accounts/identity.ts';
import { generatePassword, hashPassword, PASSWORD_MAX_LENGTH, verifyPassword } from '../accounts/password.ts';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

const RoleName = Type.Union([Type.Literal('viewer'), Type.Literal('operator'), Type.Literal('administrator')]);
const AccountName = Type.String({ minLength: 1, maxLength: 64 });
const Login = Type.Object({ name: AccountName, password: Type.String({ minLength: 1, maxLength: PASSWORD_MAX_LENGTH }) });
const UserItem = Type.Object({ name: Type.String(), role: RoleName, disabled: Type.Boolean() });
const NewUser = Type.Object({ name: AccountName, role: RoleName });
/** The password is told once, here; only its hash is kept. */
const UserWithPassword = Type.Object({ name: Type.String(), role: RoleName, password: Type.String() });
const UserParameters = Type.Object({ name: AccountName });
const TokenItem = Type.Object({
  id: Type.String(),
  title: Type.String(),
  role: RoleName,
  createdBy: Type.String(),
  revoked: Type.Boolean(),
});
const NewToken = Type.Object({ title: Type.String({ minLength: 1, maxLength: 120 }), role: RoleName });
/** The token is told once, here; only its hash is kept. */
const TokenWithSecret = Type.Object({ id: Type.String(), title: Type.String(), role: RoleName, token: Type.String() });
const TokenParameters = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9]{1,32}$' }) });

/** Attempts to sign in per address and minute: a person mistypes, a program guesses. */
const LOGIN_ATTEMPTS_PER_MINUTE = 10;
/** A hash no password gives, so that an unknown name takes as long as a wrong password. */
const NO_PASSWORD = `scrypt$131072$8$1$${Buffer.alloc(16).toString('base64url')}$${Buffer.alloc(32).toString('base64url')}`;

export function accountRoutes(app: FastifyInstance, context: RouteContext): void {
  sessionRoutes(app, context);
  userRoutes(app, context);
  tokenRoutes(app, context);
}

function sessionItem({ name, role, session }: Identity): Session {
  return { name, role, csrf: session?.csrf ?? null };
}

function sessionRoutes(app: FastifyInstance, { control, sessions }: RouteContext): void {
  const response = { 200: Session };
  app.get('/session', { config: { access: 'anyone' }, schema: { response } }, async (request) => sessionItem(request.identity));
  const config = { access: 'anyone', rateLimit: { max: LOGIN_ATTEMPTS_PER_MINUTE, timeWindow: '1 minute' } } as const;
  app.post<{ Body: Static<typeof Login> }>('/session', { config, schema: { body: Login, response } }, async (request, reply) => {
    const user = control.users.get(request.body.name);
    const fits = await verifyPassword(request.body.password, user?.passwordHash ?? NO_PASSWORD);
    if (user === undefined || user.disabled || !fits) throw new AirtightError('CREDENTIALS_WRONG', '');
    const session = sessions.create(user.name);
    reply.setCookie(SESSION_COOKIE, session.id, { path: '/', httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' });
    return sessionItem({ name: user.name, role: user.role, session });
  });
  app.delete('/session', { config: { access: 'anyone' }, schema: { response: { 204: Type.Null() } } }, async (request, reply) => {
    if (request.identity.session !== undefined) sessions.end(request.identity.session.id);
    reply.clearCookie(SESSION_COOKIE, { path: '/' });
    return reply.code(204).send(null);
  });
}

function userRoutes(app: FastifyInstance, context: RouteContext): void {
  const { control } = context;
  app.get('/users', { schema: { response: { 200: Page(UserItem) } } }, async () => ({
    items: [...control.users.values()].map(({ name, role, disabled }) => ({ name, role, disabled })),
    next: null,
  }));
  const schema = { body: NewUser, response: { 201: UserWithPassword } };
  app.post<{ Body: Static<typeof NewUser> }>('/users', { schema }, async (request, reply) => {
    const { name, role } = request.body;
    if (!isName(name)) throw new AirtightError('NAME_INVALID', name);
    if (control.users.has(name)) throw new AirtightError('NAME_TAKEN', name);
    const { user, password } = await newUser(name, role);
    await writeControl(context, name, user);
    return reply.code(201).send({ name, role, password });
  });
  const passwordSchema = { params: UserParameters, response: { 200: UserWithPassword } };
  app.post<{ Params: Static<typeof UserParameters> }>('/users/:name/password', { schema: passwordSchema }, async (request) => {
    const known = knownUser(request.params.name);
    const { user, password } = await newUser(known.name, known.role);
    await writeControl(context, known.name, { ...user, disabled: known.disabled });
    return { name: known.name, role: known.role, password };
  });
  const disableSchema = { params: UserParameters, response: { 200: UserItem } };
  for (const [path, disabled] of [
    ['disable', true],
    ['enable', false],
  ] as const) {
    app.post<{ Params: Static<typeof UserParameters> }>(`/users/:name/${path}`, { schema: disableSchema }, async (request) => {
      const known = knownUser(request.params.name);
      if (disabled && isLastAdministrator(known)) throw new AirtightError('REQUEST_INVALID', 'the last administrator stays');
      await writeControl(context, known.name, { ...known, disabled });
      return { name: known.name, role: known.role, disabled };
    });
  }

  function knownUser(name: string): UserRecord {
    const user = control.users.get(name);
    if (user === undefined) throw new AirtightError('NOT_FOUND', `user ${name}`);
    return user;
  }
  function isLastAdministrator({ name, role }: UserRecord): boolean {
    const others = [...control.users.values()].filter((user) => user.role === 'administrator' && !user.disabled && user.name !== name);
    return role === 'administrator' && others.length === 0;
  }
}

function tokenRoutes(app: FastifyInstance, context: RouteContext): void {
  const { control } = context;
  const itemOf = ({ id, title, role, createdBy, revoked }: TokenRecord) => ({ id, title, role, createdBy, revoked });
  app.get('/tokens', { schema: { response: { 200: Page(TokenItem) } } }, async () => ({
    items: [...control.tokens.values()].map(itemOf),
    next: null,
  }));
  const schema = { body: NewToken, response: { 201: TokenWithSecret } };
  app.post<{ Body: Static<typeof NewToken> }>('/tokens', { schema }, async (request, reply) => {
    const { title, role } = request.body;
    const id = randomBytes(8).toString('hex');
    const secret = randomBytes(32).toString('base64url');
    const createdBy = request.identity.name as string;
    await writeControl(context, id, { type: 'token', id, title, role, secretHash: tokenSecretHash(secret), createdBy, revoked: false });
    return reply.code(201).send({ id, title, role, token: `at_${id}_${secret}` });
  });
  const revokeSchema = { params: TokenParameters, response: { 200: TokenItem } };
  app.delete<{ Params: Static<typeof TokenParameters> }>('/tokens/:id', { schema: revokeSchema }, async (request) => {
    const known = control.tokens.get(request.params.id);
    if (known === undefined) throw new AirtightError('NOT_FOUND', `token ${request.params.id}`);
    await writeControl(context, known.id, { ...known, revoked: true });
    return itemOf({ ...known, revoked: true });
  });
}

/** An account with a generated password. */
export async function newUser(name: string, role: Role): Promise<{ readonly user: UserRecord; readonly password: string }> {
  const password = generatePassword();
  return { user: { type: 'user', name, role, passwordHash: await hashPassword(password), disabled: false }, password };
}

/** Writes an account or token. Each writing has an id of its own: to disable an account a second time is no repeat of the first. */
async function writeControl({ ingest, fold }: RouteContext, key: string, payload: UserRecord | TokenRecord): Promise<void> {
  const messageId = `id:${key}.${randomBytes(8).toString('hex')}`;
  const [written] = await ingest.writeRecords([
    { agency: CONTROL_AGENCY, dataset: USERS_DATASET, producer: ACTS_PRODUCER, messageId, payload },
  ]);
  if (written !== undefined) await whenFolded(fold, written.position);
}
