import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/main.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { startTokenIssuer } from '../../shared/testing/token-issuer.ts';
import { openTodosDatabase } from './open-todos-database.ts';
import { runContestant } from './run-contestant.ts';
import { ownerNames, writeRequest } from './write-request.ts';

// the todo API, which owners write to: the arguments are `create` or `update`, and the number of owners

const RESOURCE = 'http://localhost:3001/api/v1';

await runContestant(async (resources) => {
  const [, , kind, owners] = process.argv;
  const { url } = resources.use(await openTodosDatabase());
  const tokenIssuer = resources.use(await startTokenIssuer({ audience: RESOURCE }));
  const config = readApiConfig({
    AUTH_ISSUER: tokenIssuer.identifier,
    API_RESOURCE: RESOURCE,
    API_PORT: String(await getFreePort()),
    // requests and todos are counted, but never reach the limit
    API_RATE_LIMIT: '1000000000',
    QUOTA_TODOS: '100000000',
    QUOTA_BYTES: '100000000000',
    LOG_LEVEL: 'warn',
  });
  const { port } = resources.use(await startApi(config, { kind: 'postgresql', url }));
  const accessTokens = ownerNames(Number(owners)).map((sub) => tokenIssuer.issue({ claims: { sub } }));
  return writeRequest({
    port,
    kind: kind === 'update' ? 'update' : 'create',
    accessTokens: await Promise.all(accessTokens),
  });
});
