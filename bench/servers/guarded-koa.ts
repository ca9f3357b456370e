import Koa from 'koa';
import { serve } from '../../shared/http/serve.ts';
import { createAccessTokenVerifier } from '../../shared/oauth/access-token-verifier.ts';
import { createChallenges } from '../../shared/oauth/challenges.ts';
import { createIssuer } from '../../shared/oauth/issuer.ts';
import { requireAccessToken } from '../../shared/oauth/require-access-token.ts';
import { startTokenIssuer } from '../../shared/testing/token-issuer.ts';
import { bearerRequest } from './bearer-request.ts';
import { runContestant } from './run-contestant.ts';

const RESOURCE = 'http://localhost:3001/api/v1';

await runContestant(async (resources) => {
  const tokenIssuer = resources.use(await startTokenIssuer({ audience: RESOURCE }));
  const { keys } = createIssuer({ identifier: tokenIssuer.identifier });
  const app = new Koa();
  app.use(
    requireAccessToken({
      verify: createAccessTokenVerifier({
        issuer: tokenIssuer.identifier,
        audience: RESOURCE,
        keys,
        isRevoked: () => false,
      }),
      challenges: createChallenges({
        resource: RESOURCE,
        authorizationServer: tokenIssuer.identifier,
        scopes: [],
        name: 'bench',
      }),
    }),
  );
  app.use(function answer(ctx) {
    ctx.body = { ok: true };
  });
  const { port } = resources.use(await serve(app.callback(), { port: 0, host: '127.0.0.1' }));
  return bearerRequest({ port, path: '/', accessToken: await tokenIssuer.issue() });
});
