import Koa from 'koa';
import { serve } from '../../shared/http/serve.ts';
import { startTokenIssuer } from '../../shared/testing/token-issuer.ts';
import { bearerRequest } from './bearer-request.ts';
import { runContestant } from './run-contestant.ts';

await runContestant(async (resources) => {
  const tokenIssuer = resources.use(await startTokenIssuer({ audience: 'http://localhost:3001/api/v1' }));
  const app = new Koa();
  app.use(function answer(ctx) {
    ctx.body = { ok: true };
  });
  const { port } = resources.use(await serve(app.callback(), { port: 0, host: '127.0.0.1' }));
  // the same bytes arrive as at the guarded one: what differs is only what is done with them
  return bearerRequest({ port, path: '/', accessToken: await tokenIssuer.issue() });
});
