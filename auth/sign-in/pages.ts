import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import { findAccount } from '../accounts/accounts.ts';
import type { RecordAuditEvent } from '../audit/audit.ts';
import { createPasskeys } from '../authenticators/passkeys.ts';
import { createPasswordHashing } from '../authenticators/password-hash.ts';
import { createPasswordVerifier } from '../authenticators/password-verifier.ts';
import type { FailedAuthenticationLimiter } from '../client-authentication/failed-authentication-limiter.ts';
import type { Clients } from '../clients/clients.ts';
import type { Connections } from '../connections/connections.ts';
import type { Interactions } from '../provider/interactions.ts';
import type { PersonSessions } from '../provider/person-sessions.ts';
import type { Propagation } from '../status-lists/propagation.ts';
import type { StatusLists } from '../status-lists/status-lists.ts';
import { createAccountRequests } from './account-requests.ts';
import { accountRoutes } from './account-routes.ts';
import { createAccountView } from './account-view.ts';
import { authenticatorRoutes } from './authenticator-routes.ts';
import { interactionRoutes } from './interaction-routes.ts';
import { servePages } from './serve-pages.ts';
import { createSignIn } from './sign-in.ts';
import { signInRoutes } from './sign-in-routes.ts';
import { welcomeRoutes } from './welcome-routes.ts';

/** Creates everything that a person uses in a browser: to sign in, to allow and take back, and to get an account. */
export function createPages({
  issuer,
  em,
  formKey,
  interactions,
  sessions,
  clients,
  connections,
  connectionTtl,
  statusLists,
  propagation,
  failures,
  record,
  logger,
}: {
  issuer: string;
  em: SqlEntityManager;
  /** The key of the tokens in forms. */
  formKey: Buffer;
  interactions: Interactions;
  sessions: PersonSessions;
  clients: Pick<Clients, 'find'>;
  connections: Connections;
  /** Seconds for which a connection lives. */
  connectionTtl: number;
  statusLists: Pick<StatusLists, 'catchUp'>;
  propagation: Pick<Propagation, 'waitUntilConfirmed'>;
  failures: FailedAuthenticationLimiter;
  record: RecordAuditEvent;
  logger: Logger;
}): Middleware {
  const hashing = createPasswordHashing();
  const passkeys = createPasskeys({ em, issuer });
  const signIn = createSignIn({
    verifyPassword: createPasswordVerifier({ em, hashing, failures }),
    passkeys,
    sessions,
    findAccount: (id) => findAccount(em, id),
    record,
  });
  const requests = createAccountRequests({ issuer, formKey, sessions });
  const { createFormToken } = requests;
  const view = createAccountView({ em, sessions, clients, connections, createFormToken });
  const routers = [
    interactionRoutes({ issuer, em, interactions, sessions, signIn, clients, connectionTtl }),
    welcomeRoutes({ issuer, em, passkeys, hashing, sessions, connections, statusLists }),
    signInRoutes({ issuer, sessions, signIn }),
    accountRoutes({ em, requests, view, sessions, connections, propagation }),
    authenticatorRoutes({ em, requests, view, sessions, signIn, passkeys, hashing }),
  ];
  return servePages({ routers, logger });
}
