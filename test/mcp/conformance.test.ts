import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startLoopbackProxy } from '../../shared/testing/loopback-proxy.ts';
import { conformanceFeatures } from '../support/conformance-features.ts';
import { startMcpApp } from '../support/start-mcp-app.ts';
import { startSystem } from '../support/start-system.ts';

/** What the suite asks of any server with our capabilities: played against yata as it runs. */
const PRODUCT = [
  'server-initialize',
  'ping',
  'tools-list',
  'resources-list',
  'prompts-list',
  'dns-rebinding-protection',
];

/** What needs features of the suite's own: played against `conformanceFeatures` in the same app behind the same guard. */
const WITH_FIXTURES = [
  'tools-call-simple-text',
  'tools-call-image',
  'tools-call-audio',
  'tools-call-embedded-resource',
  'tools-call-mixed-content',
  'tools-call-error',
  'tools-call-with-progress',
  'json-schema-2020-12',
  'resources-read-text',
  'resources-read-binary',
  'resources-templates-read',
  'prompts-get-simple',
  'prompts-get-with-args',
  'prompts-get-embedded-resource',
  'prompts-get-with-image',
  'completion-complete',
];

const STATELESS = 'needs a session; any instance of ours answers any request, and none asks the client for anything';
const LOGS = 'the log is for the operator, on stderr; the capability is not declared, and deprecated since 2026-07-28';

/** What is not played, and why. */
const LEFT_OUT = {
  'logging-set-level': LOGS,
  'tools-call-with-logging': LOGS,
  'tools-call-sampling': STATELESS,
  'tools-call-elicitation': STATELESS,
  'elicitation-sep1034-defaults': STATELESS,
  'elicitation-sep1330-enums': STATELESS,
  'server-sse-polling': 'no stream is ever resumed: nothing is kept of an answer',
  'server-sse-multiple-streams': 'looks at nothing without a session, and warns',
  'resources-subscribe': STATELESS,
  'resources-unsubscribe': STATELESS,
} satisfies Record<string, string>;

test('every scenario of the suite is played, or left out for a reason', async () => {
  const { output } = await conformance('list', '--server');
  const listed = Array.from(output.matchAll(/^ +- (\S+)/gm), ([, name]) => name);
  expect([...PRODUCT, ...WITH_FIXTURES, ...Object.keys(LEFT_OUT)].sort()).toEqual(listed.sort());
});

test('yata passes what the suite asks of any server', { timeout: 60_000 }, async () => {
  await using system = await startSystem();
  const accessToken = await system.getAccessToken(await system.registerClient(), { resource: system.mcpResource });
  await using proxy = await startBearerProxy(system.mcpResource, accessToken);
  await playAll(PRODUCT, `${proxy.origin}/mcp`);
});

test("yata's server passes with the suite's own features", { timeout: 60_000 }, async () => {
  await using mcp = await startMcpApp({ features: conformanceFeatures });
  await using proxy = await startBearerProxy(mcp.resource, await mcp.issuer.issue());
  await playAll(WITH_FIXTURES, `${proxy.origin}/mcp`);
});

test('a scenario that fails is seen', async () => {
  await using mcp = await startMcpApp({ features: { tools: [], resources: [], prompts: [] } });
  await using proxy = await startBearerProxy(mcp.resource, await mcp.issuer.issue());
  const { exitCode, output } = await play('tools-call-simple-text', `${proxy.origin}/mcp`);
  expect({ exitCode, output }).toEqual({ exitCode: 1, output: expect.stringContaining('Passed: 0/1, 1 failed') });
});

/** The suite cannot send an access token. */
function startBearerProxy(resource: string, accessToken: string) {
  return startLoopbackProxy({
    target: () => resource,
    rewriteHeaders: (headers) => ({ ...headers, authorization: `Bearer ${accessToken}` }),
  });
}

async function playAll(scenarios: readonly string[], url: string): Promise<void> {
  for (const scenario of scenarios) {
    const { exitCode, output } = await play(scenario, url);
    // a warning is a check that did not come to pass
    expect(output, scenario).toMatch(/^Passed: ([1-9]\d*)\/\1, 0 failed, 0 warnings$/m);
    expect(exitCode, scenario).toBe(0);
  }
}

function play(scenario: string, url: string) {
  return conformance('server', '--url', url, '--scenario', scenario, '--verbose');
}

const COMMAND_LINE = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));

/** Runs the suite's command line and says how it ended: with a signal when it takes too long. */
function conformance(...args: string[]): Promise<{ exitCode: number | NodeJS.Signals; output: string }> {
  return new Promise((resolve) => {
    const options = { timeout: 20_000, killSignal: 'SIGKILL', env: { NO_COLOR: '1' } } as const;
    const child = execFile(process.execPath, [COMMAND_LINE, ...args], options, (_error, stdout, stderr) =>
      resolve({ exitCode: child.exitCode ?? child.signalCode ?? 'SIGKILL', output: stdout + stderr }),
    );
  });
}
