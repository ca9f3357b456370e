import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/main.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { startTokenIssuer } from '../../shared/testing/token-issuer.ts';
import { openTodosDatabase } from './open-todos-database.ts';

const RESOURCE = 'http://localhost:3001/api/v1';

/** Starts the todo API on a database of todos, and adds it to `resources`. `issue` issues an access token to a subject. */
export async function startTodoApi(resources: AsyncDisposableStack) {
  const { url, todoId } = resources.use(await openTodosDatabase());
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
  return { port, todoId, issue: (sub: string) => tokenIssuer.issue({ claims: { sub } }) };
}
