import { findOrCreateCredentials } from '../../auth/clients/credentials-file.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { startAuth } from '../../auth/main.ts';
import { TOKEN_REQUEST_QUOTAS } from '../../auth/request-limits/token-request-limits.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { accessTokenRequest } from './access-token-request.ts';
import { runContestant } from './run-contestant.ts';

// one client requests more access tokens than a client may have in a minute; they are counted all the same
const UNREACHABLE_QUOTAS = { ...TOKEN_REQUEST_QUOTAS, tokens: Infinity };

await runContestant(async (resources) => {
  const { path } = resources.use(makeTemporaryDirectory());
  const database = resources.use(await openTestDatabase());
  const config = readAuthConfig({ AUTH_PORT: String(await getFreePort()), YATA_DATA_DIR: path, LOG_LEVEL: 'warn' });
  const { port } = resources.use(await startAuth(config, database, { quotas: UNREACHABLE_QUOTAS }));
  const { OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET } = findOrCreateCredentials(path, 'demo');
  return accessTokenRequest({ port, clientId: OAUTH_CLIENT_ID, clientSecret: OAUTH_CLIENT_SECRET });
});
