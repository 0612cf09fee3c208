/** Who makes a request, and what that person may do. */
import { hash, timingSafeEqual } from 'node:crypto';
import { AirtightError, CSRF_HEADER, type Role } from '@airtight/protocol';
import type { FastifyRequest } from 'fastify';
import type { ControlState } from '../control/control-state.ts';
import type { BrowserSession, Sessions } from './sessions.ts';

export interface Identity {
  /** Account name, `token:…`, or `internal` for a tool of the operator's; null for a visitor. */
  readonly name: string | null;
  readonly role: Role | null;
  readonly session: BrowserSession | undefined;
}

export const SESSION_COOKIE = 'airtight_session';
/** An API token: `at_{id}_{secret}`. */
const TOKEN = /^at_([A-Za-z0-9]{1,32})_([A-Za-z0-9_-]{43})$/;
const RANK: { readonly [role in Role]: number } = { viewer: 1, operator: 2, administrator: 3 };
const READING_METHODS = ['GET', 'HEAD', 'OPTIONS'];

export interface Gate {
  readonly control: ControlState;
  readonly sessions: Sessions;
  readonly anonymousRole: 'none' | 'viewer' | string;
  /** The token of our own services: whoever can read it on the operator's machine reads here as a viewer. */
  readonly internalToken: string;
}

/**
 * Identity of a request by API token, else by session cookie, else none.
 * @throws AirtightError CREDENTIALS_WRONG for a token that does not count; CSRF_TOKEN_WRONG for a changing request with a
 *   cookie and without the session's token in CSRF_HEADER
 */
export function identify(request: FastifyRequest, gate: Gate): Identity {
  const authorization = request.headers.authorization;
  if (authorization?.startsWith('Bearer ') === true) return byToken(authorization.slice('Bearer '.length), gate);
  const cookie = request.cookies[SESSION_COOKIE];
  const session = cookie === undefined ? undefined : gate.sessions.use(cookie);
  const user = session === undefined ? undefined : gate.control.users.get(session.name);
  if (session === undefined || user === undefined || user.disabled) {
    return { name: null, role: gate.anonymousRole === 'viewer' ? 'viewer' : null, session: undefined };
  }
  if (!READING_METHODS.includes(request.method) && !sameText(String(request.headers[CSRF_HEADER] ?? ''), session.csrf)) {
    throw new AirtightError('CSRF_TOKEN_WRONG', CSRF_HEADER);
  }
  return { name: user.name, role: user.role, session };
}

/** @throws AirtightError SESSION_REQUIRED for a visitor, ROLE_REQUIRED for a role that does not suffice */
export function requireRole(identity: Identity, role: Role): void {
  if (identity.role !== null && RANK[identity.role] >= RANK[role]) return;
  throw identity.name === null ? new AirtightError('SESSION_REQUIRED', role) : new AirtightError('ROLE_REQUIRED', role);
}

/** Hash of a token's secret as `sys.users` keeps it. */
export function tokenSecretHash(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

export function sameText(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}

function byToken(text: string, { control, internalToken }: Gate): Identity {
  // An empty token file lets nobody in.
  if (internalToken !== '' && sameText(text, internalToken)) return { name: 'internal', role: 'viewer', session: undefined };
  const [, id = '', secret = ''] = TOKEN.exec(text) ?? [];
  const token = control.tokens.get(id);
  if (token === undefined || token.revoked || !sameText(tokenSecretHash(secret), token.secretHash)) {
    throw new AirtightError('CREDENTIALS_WRONG', 'API token');
  }
  return { name: `token:${token.id}`, role: token.role, session: undefined };
}
