import Koa from 'koa';
import { serve } from '../../shared/http/serve.ts';
import { createLogger } from '../../shared/logger.ts';
import { createChallenges } from '../../shared/resource-server/challenge.ts';
import { requireAccessToken } from '../../shared/resource-server/koa.ts';
import type { ProtectedResource } from '../../shared/resource-server/protected-resource-metadata.ts';
import { openResourceServer } from '../../shared/resource-server/resource-server.ts';
import { TODO_SCOPES } from '../../shared/scopes.ts';
import { startTokenIssuer } from '../../shared/testing/token-issuer.ts';
import { bearerRequest } from './bearer-request.ts';
import { runContestant } from './run-contestant.ts';

const RESOURCE = 'http://localhost:3001/api/v1';

await runContestant(async (resources) => {
  const tokenIssuer = resources.use(await startTokenIssuer({ audience: RESOURCE }));
  const protectedResource: ProtectedResource = {
    resource: RESOURCE,
    authorizationServer: tokenIssuer.identifier,
    scopes: TODO_SCOPES,
    name: 'bench',
  };
  const logger = createLogger({ name: 'bench', level: 'warn' });
  // opened without the guard too: the other work of a process affects how Node compiles `process.nextTick`, and that
  // alone makes a difference of a sixth
  const resourceServer = resources.use(openResourceServer(protectedResource, { authUrl: undefined, logger }));
  await resourceServer.ready();
  const app = new Koa();
  if (process.argv[2] === 'guarded')
    app.use(requireAccessToken({ verify: resourceServer.verify, challenges: createChallenges(protectedResource) }));
  app.use(function sendOk(ctx) {
    ctx.body = { ok: true };
  });
  const { port } = resources.use(await serve(app.callback(), { port: 0, host: '127.0.0.1' }));
  return bearerRequest({ port, path: '/', accessToken: await tokenIssuer.issue() });
});
