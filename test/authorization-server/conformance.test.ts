import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { openBrowser } from '../support/browser.ts';
import { createPerson, signIn } from '../support/persons.ts';
import { answerConsent, registerPublicClient } from '../support/public-client.ts';
import { startSystem } from '../support/start-system.ts';

const SCENARIOS = ['authorization-server-metadata-endpoint', 'authorization-code-grant'];

test('the suite has no other scenario for authorization servers', async () => {
  const suite = runSuite('list', '--authorization');
  await suite.ended;
  expect(Array.from(suite.output().matchAll(/^ +- (\S+)/gm), ([, name]) => name)).toEqual(SCENARIOS);
});

test('auth passes the scenarios for authorization servers', { timeout: 60_000 }, async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const port = await getFreePort();
  const client = await registerPublicClient(system, { redirect_uris: [`http://127.0.0.1:${port}/callback`] });
  const suite = runAuthorizationScenarios(system, client.id, port);

  const browser = openBrowser(system.issuer);
  const url = await vi.waitFor(() => {
    const [found] = /http\S+\/oauth\/authorize\?\S+/.exec(suite.output()) ?? [];
    if (found === undefined) throw new Error(suite.output());
    return found;
  }, 20_000);
  const { location } = await answerConsent(browser, await signIn(browser, await browser.open(url), person));
  expect((await fetch(location ?? '')).status).toBe(200);

  expect(await suite.ended, suite.output()).toBe(0);
  for (const scenario of SCENARIOS) expect(suite.output()).toMatch(RegExp(`✓ ${scenario}: [1-9]\\d* passed, 0 failed`));
});

test('a scenario that fails is reported', { timeout: 60_000 }, async () => {
  await using system = await startSystem();
  const port = await getFreePort();
  const suite = runAuthorizationScenarios({ ...system, issuer: system.apiResource }, 'no-client', port);
  expect(await suite.ended).toBe(1);
});

function runAuthorizationScenarios(
  { issuer, mcpResource }: { issuer: string; mcpResource: string },
  clientId: string,
  port: number,
) {
  return runSuite(
    ...['authorization', '--url', issuer, '--resource', mcpResource],
    ...['--client-id', clientId, '--port', String(port)],
  );
}

/** Runs the command line of the suite. It is killed after 30 s. */
function runSuite(...args: string[]) {
  const script = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));
  const child = spawn(process.execPath, [script, ...args], { env: { NO_COLOR: '1' }, timeout: 30_000 });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { ended, output: () => output };
}
