import { once } from 'node:events';
import { createConnection } from 'node:net';
import { expect, test, vi } from 'vitest';
import { LIST_TOOLS } from '../support/mcp-messages.ts';
import { openInstallation } from '../support/open-installation.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { runPrintedCommands } from '../support/run-printed-commands.ts';
import { startProcess } from '../support/start-process.ts';

// these tests start all services, which takes long on a busy machine
vi.setConfig({ testTimeout: 90_000 });

test('SIGTERM stops all three services from accepting connections while a request is running', async () => {
  await using installation = await openInstallation();
  await using running = await installation.start();
  const token = await runPrintedCommands(running, ['Any other host'], 'printf %s "$YATA_TOKEN"');
  const { AUTH_PORT, API_PORT, MCP_PORT } = installation.environment;
  // mcp verifies the token now, and needs no answer of auth for the request that is running when auth stops
  const options = { accessToken: token };
  expect((await postMcpMessage(`http://localhost:${MCP_PORT}/mcp`, LIST_TOOLS, options)).status).toBe(200);
  const request = createConnection(Number(MCP_PORT), '127.0.0.1');
  const head = ['POST /mcp HTTP/1.1', `Host: localhost:${MCP_PORT}`, `Authorization: Bearer ${token}`];
  const rest = ['Content-Type: application/json', 'Content-Length: 100', 'Expect: 100-continue', '', '{'];
  const begun = once(request, 'data');
  request.write([...head, ...rest].join('\r\n'));
  expect(String(await begun)).toContain('100 Continue');
  const ended = running.end('SIGTERM');
  await vi.waitFor(async () => {
    const ports = [AUTH_PORT, API_PORT, MCP_PORT];
    const attempts = await Promise.allSettled(
      ports.map((port) => fetch(`http://127.0.0.1:${port}/health/live`, { signal: AbortSignal.timeout(500) })),
    );
    const refused = { status: 'rejected', reason: { message: 'fetch failed' } };
    expect(attempts).toMatchObject([refused, refused, refused]);
  }, 8_000);
  // the services wait up to ten seconds for the request
  expect(request.destroyed).toBe(false);
  request.destroy();
  expect(await ended, running.output()).toBe(0);
  // a client that disconnects causes no error, and nothing but the log is written
  expect(running.output()).not.toMatch(/^ *(Error|at )/m);
});

test('after SIGTERM a process is not ready, and takes requests until the delay is over', async () => {
  await using installation = await openInstallation();
  await using running = await installation.start({ SHUTDOWN_DELAY: '300' });
  const { AUTH_PORT, API_PORT, MCP_PORT } = installation.environment;
  const statuses = (path: string) =>
    Promise.all(
      [AUTH_PORT, API_PORT, MCP_PORT].map(async (port) => (await fetch(`http://127.0.0.1:${port}${path}`)).status),
    );
  expect(await statuses('/health/ready')).toEqual([200, 200, 200]);
  process.kill(running.pid ?? 0, 'SIGTERM');
  await vi.waitFor(async () => expect(await statuses('/health/ready')).toEqual([503, 503, 503]), 30_000);
  // a new connection of a load balancer that has not looked yet
  expect(await statuses('/health/live')).toEqual([200, 200, 200]);
});

test('when the delay after SIGTERM is over, a process ends with code 0', async () => {
  await using installation = await openInstallation();
  await using running = await installation.start({ SHUTDOWN_DELAY: '1' });
  expect(await running.end('SIGTERM'), running.output()).toBe(0);
});

test.each([
  ['Ctrl-C', ['SIGINT']],
  ['a second signal', ['SIGTERM', 'SIGTERM']],
] as const)('%s ends a process without the delay', async (_, signals) => {
  await using installation = await openInstallation();
  await using running = await installation.start({ SHUTDOWN_DELAY: '300' });
  const { AUTH_PORT } = installation.environment;
  for (const signal of signals) {
    process.kill(running.pid ?? 0, signal);
    // so that the second signal does not come together with the first one
    if (signal === 'SIGTERM')
      await vi.waitFor(async () => {
        const response = await fetch(`http://127.0.0.1:${AUTH_PORT}/health/ready`).catch(() => undefined);
        expect(response?.status).not.toBe(200);
      }, 5_000);
  }
  expect(await running.ended).toBe(signals.length === 1 ? 0 : 'SIGTERM');
});

test('a process whose resources do not close exits with code 1 after a timeout', async () => {
  const module = new URL('../../shared/run-until-signalled.ts', import.meta.url).href;
  const script = `
    import { runUntilSignalled } from '${module}';
    await runUntilSignalled(async (resources) => {
      setInterval(() => {}, 1000);
      resources.defer(() => new Promise(() => {}));
      process.stdout.write('ready');
    }, { shutdownTimeout: 200 });`;
  await using stuck = await startProcess(['--input-type=module', '--eval', script], {}, 'ready');
  expect(await stuck.end('SIGTERM')).toBe(1);
  expect(stuck.output()).toContain('did not stop within 0.2 seconds');
});
