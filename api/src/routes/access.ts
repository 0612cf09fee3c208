/** Who may call a route: named in its config, checked before anything else happens. */
import type { Role } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Identity, identify, requireRole } from '../accounts/identity.ts';
import type { RouteContext } from './context.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Least role; `anyone`: no check; `internal`: the route checks the services' own token. None named: an administrator. */
    access?: Role | 'anyone' | 'internal';
  }
  interface FastifyRequest {
    identity: Identity;
  }
}

const VISITOR: Identity = { name: null, role: null, session: undefined };

export function installAccess(app: FastifyInstance, { control, sessions, config, internalToken }: RouteContext): void {
  app.decorateRequest('identity');
  app.addHook('onRequest', async (request) => {
    const access = request.routeOptions.config.access ?? 'administrator';
    if (access === 'internal') {
      request.identity = VISITOR;
      return;
    }
    // Signing in begins a new session whatever an old cookie says.
    const signsIn = access === 'anyone' && request.method === 'POST';
    request.identity = signsIn ? VISITOR : identify(request, { control, sessions, anonymousRole: config.anonymousRole, internalToken });
    if (access !== 'anyone') requireRole(request.identity, access);
  });
}
