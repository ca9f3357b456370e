import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/main.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { startTokenIssuer } from '../../shared/testing/token-issuer.ts';
import { bearerRequest } from './bearer-request.ts';
import { OWNER, openTodosDatabase } from './open-todos-database.ts';
import { runContestant } from './run-contestant.ts';

const RESOURCE = 'http://localhost:3001/api/v1';

await runContestant(async (resources) => {
  const { url, todoId } = resources.use(await openTodosDatabase());
  const tokenIssuer = resources.use(await startTokenIssuer({ audience: RESOURCE }));
  const config = readApiConfig({
    AUTH_ISSUER: tokenIssuer.identifier,
    API_RESOURCE: RESOURCE,
    API_PORT: String(await getFreePort()),
    // requests are counted, but never reach the limit
    API_RATE_LIMIT: '1000000000',
    LOG_LEVEL: 'warn',
  });
  const { port } = resources.use(await startApi(config, { kind: 'postgresql', url }));
  const path = process.argv[2] === 'by-id' ? `/api/v1/todos/${todoId}` : '/api/v1/todos';
  return bearerRequest({ port, path, accessToken: await tokenIssuer.issue({ claims: { sub: OWNER } }) });
});
