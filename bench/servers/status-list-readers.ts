import { createLogger } from '../../shared/logger.ts';
import { openResourceServer } from '../../shared/resource-server/resource-server.ts';
import { runUntilSignalled } from '../../shared/run-until-signalled.ts';
import { TODO_SCOPES } from '../../shared/scopes.ts';

// Opens COUNT resource servers that read the status lists of one issuer, as processes of the client OAUTH_CLIENT_ID:
// `node status-list-readers.ts ISSUER COUNT`.
await runUntilSignalled(async (resources) => {
  const [authorizationServer = '', count = ''] = process.argv.slice(2);
  const { OAUTH_CLIENT_ID: clientId = '', OAUTH_CLIENT_SECRET: clientSecret = '' } = process.env;
  const logger = createLogger({ name: 'readers', level: 'error' });
  const opened = Array.from({ length: Number(count) }, (_, index) =>
    resources.use(
      openResourceServer(
        { resource: `http://127.0.0.1/${index}`, authorizationServer, scopes: TODO_SCOPES, name: 'bench' },
        { authUrl: undefined, credentials: { clientId, clientSecret }, logger },
      ),
    ),
  );
  await Promise.all(opened.map(({ ready }) => ready()));
  process.stdout.write('the readers wait\n');
});
