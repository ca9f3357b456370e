import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/main.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { startAuth } from '../../auth/main.ts';
import { readMcpConfig } from '../../mcp/config.ts';
import { startMcp } from '../../mcp/main.ts';
import { countAllowedConnections } from '../../shared/http/open-files.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { type System, startSystem } from '../support/start-system.ts';

const CONNECTIONS = 8;

type Variables = Record<string, string>;

/** Each starts a service in which all clients together may have `CONNECTIONS` connections. */
const start = {
  auth: (variables: Variables, { database }: System) => startAuth(readAuthConfig(variables), database, limited()),
  api: (variables: Variables, { database }: System) => startApi(readApiConfig(variables), database, limited()),
  mcp: (variables: Variables) => startMcp(readMcpConfig(variables), limited()),
};

function limited() {
  return { serversOfProcess: Math.floor(countAllowedConnections(1) / CONNECTIONS) };
}

// only Linux tells how many files a process may open, from which the number of connections follows
test.runIf(Number.isFinite(countAllowedConnections(1))).each([
  ['auth', 'AUTH'],
  ['api', 'API'],
  ['mcp', 'MCP'],
] as const)(
  'a trusted proxy may have all connections of %s, and another address a quarter',
  async (service, prefix) => {
    await using system = await startSystem();
    const countOpen = async (proxies: string) => {
      const port = await getFreePort();
      const variables = { [`${prefix}_PORT`]: String(port), [`${prefix}_TRUSTED_PROXIES`]: proxies };
      await using _server = await start[service]({ ...system.environment, ...variables }, system);
      const sockets = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1'));
      await Promise.all(
        sockets.map((socket) =>
          once(
            socket.on('error', () => undefined),
            'connect',
          ),
        ),
      );
      await delay(100);
      const open = sockets.filter((socket) => !socket.closed).length;
      for (const socket of sockets) socket.destroy();
      return open;
    };
    expect(await countOpen('127.0.0.1')).toBe(CONNECTIONS);
    expect(await countOpen('127.0.0.2')).toBe(CONNECTIONS / 4);
  },
);
