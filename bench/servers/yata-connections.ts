import { readAuthConfig } from '../../auth/config.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { startAuth } from '../../auth/main.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import type { Browser } from '../../test/support/browser.ts';
import { createPerson, openAccount } from '../../test/support/persons.ts';
import { parseTokens, registerPublicClient } from '../../test/support/public-client.ts';
import { runContestant } from './run-contestant.ts';

// auth, with a person who has connected an assistant many times: the argument is `code` or `refresh`

const MCP_RESOURCE = 'http://localhost:3002/mcp';

await runContestant(async (resources) => {
  const { path } = resources.use(makeTemporaryDirectory());
  const database = resources.use(await openTestDatabase());
  const port = await getFreePort();
  const issuer = `http://localhost:${port}`;
  resources.use(
    await startAuth(
      readAuthConfig({ AUTH_PORT: String(port), AUTH_ISSUER: issuer, YATA_DATA_DIR: path, LOG_LEVEL: 'warn' }),
      database,
    ),
  );
  const { em } = resources.use(await openOrm(database, authDatabase, { poolSize: 2 }));
  const person = await createPerson({ issuer, em });
  // each request rotates the session, so a browser can do one thing at a time
  const accounts = await Promise.all(Array.from({ length: 8 }, () => openAccount({ issuer }, person)));
  // a redirect to this machine would end the session
  const metadata = { redirect_uris: ['https://assistant.example/callback'] };
  const client = await registerPublicClient({ issuer, mcpResource: MCP_RESOURCE }, metadata);

  async function makeBody(browser: Browser): Promise<string> {
    const code = (await client.authorize(person, { browser })).get('code') ?? '';
    if (process.argv[2] === 'code') return String(new URLSearchParams(client.redemption(code)));
    const { refresh_token } = parseTokens(await (await client.redeem(code)).json());
    return String(new URLSearchParams({ grant_type: 'refresh_token', client_id: client.id, refresh_token }));
  }

  return {
    url: `http://127.0.0.1:${port}/oauth/token`,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: '',
    async prepare(count) {
      const bodies: string[] = [];
      const work = async (browser: Browser) => {
        while (bodies.length < count) bodies.push(await makeBody(browser));
      };
      await Promise.all(accounts.map(({ browser }) => work(browser)));
      return bodies.slice(0, count);
    },
  };
});
