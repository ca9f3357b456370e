import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startLoopbackProxy } from '../../shared/testing/loopback-proxy.ts';
import { conformanceFeatures } from '../support/conformance-features.ts';
import { startMcpApp } from '../support/start-mcp-app.ts';
import { startSystem } from '../support/start-system.ts';

/** The scenarios for any server with yata's capabilities. They run against yata as it is. */
const PRODUCT_SCENARIOS = [
  'server-initialize',
  'ping',
  'tools-list',
  'resources-list',
  'prompts-list',
  'dns-rebinding-protection',
];

/** The scenarios that need features of the suite. They run against the same app with `conformanceFeatures`. */
const FEATURE_SCENARIOS = [
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

const STATELESS = 'needs a session; every process answers every request, and none sends requests to the client';
const LOGS =
  'the server logs to stderr for its operator; it does not declare the capability, which is deprecated since 2026-07-28';

/** The scenarios that do not run, with the reason. */
const SKIPPED_SCENARIOS = {
  'logging-set-level': LOGS,
  'tools-call-with-logging': LOGS,
  'tools-call-sampling': STATELESS,
  'tools-call-elicitation': STATELESS,
  'elicitation-sep1034-defaults': STATELESS,
  'elicitation-sep1330-enums': STATELESS,
  'server-sse-polling': 'no stream can be resumed, because the server stores no responses',
  'server-sse-multiple-streams': 'checks nothing without a session, and reports a warning',
  'resources-subscribe': STATELESS,
  'resources-unsubscribe': STATELESS,
} satisfies Record<string, string>;

test('every scenario of the suite runs, or is skipped with a reason', async () => {
  const { output } = await runSuite('list', '--server');
  const listed = Array.from(output.matchAll(/^ +- (\S+)/gm), ([, name]) => name);
  expect([...PRODUCT_SCENARIOS, ...FEATURE_SCENARIOS, ...Object.keys(SKIPPED_SCENARIOS)].sort()).toEqual(listed.sort());
});

test('yata passes the scenarios for any server', { timeout: 60_000 }, async () => {
  await using system = await startSystem();
  const accessToken = await system.getAccessToken(await system.registerClient(), { resource: system.mcpResource });
  await using proxy = await startBearerProxy(system.mcpResource, accessToken);
  await runAll(PRODUCT_SCENARIOS, `${proxy.origin}/mcp`);
});

test("yata's server passes the other scenarios with the features of the suite", { timeout: 60_000 }, async () => {
  await using mcp = await startMcpApp({ features: conformanceFeatures });
  await using proxy = await startBearerProxy(mcp.resource, await mcp.issuer.issue());
  await runAll(FEATURE_SCENARIOS, `${proxy.origin}/mcp`);
});

test('a scenario that fails is reported', async () => {
  await using mcp = await startMcpApp({ features: { tools: [], resources: [], prompts: [] } });
  await using proxy = await startBearerProxy(mcp.resource, await mcp.issuer.issue());
  const { exitCode, output } = await runScenario('tools-call-simple-text', `${proxy.origin}/mcp`);
  expect({ exitCode, output }).toEqual({ exitCode: 1, output: expect.stringContaining('Passed: 0/1, 1 failed') });
});

/** Starts a proxy that adds an access token to each request, because the suite cannot send one. */
function startBearerProxy(resource: string, accessToken: string) {
  return startLoopbackProxy({
    target: () => resource,
    rewriteHeaders: (headers) => ({ ...headers, authorization: `Bearer ${accessToken}` }),
  });
}

async function runAll(scenarios: readonly string[], url: string): Promise<void> {
  for (const scenario of scenarios) {
    const { exitCode, output } = await runScenario(scenario, url);
    // the suite reports a warning for a check that it could not do
    expect(output, scenario).toMatch(/^Passed: ([1-9]\d*)\/\1, 0 failed, 0 warnings$/m);
    expect(exitCode, scenario).toBe(0);
  }
}

function runScenario(scenario: string, url: string) {
  return runSuite('server', '--url', url, '--scenario', scenario, '--verbose');
}

const SUITE_SCRIPT = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));

/** Milliseconds after which the suite is killed. */
const SUITE_TIMEOUT_MS = 20_000;

/** Runs the command line of the suite. Its exit code is a signal if it ran into the timeout. */
function runSuite(...args: string[]): Promise<{ exitCode: number | NodeJS.Signals; output: string }> {
  return new Promise((resolve) => {
    const options = { timeout: SUITE_TIMEOUT_MS, killSignal: 'SIGKILL', env: { NO_COLOR: '1' } } as const;
    const child = execFile(process.execPath, [SUITE_SCRIPT, ...args], options, (_error, stdout, stderr) =>
      resolve({ exitCode: child.exitCode ?? child.signalCode ?? 'SIGKILL', output: stdout + stderr }),
    );
  });
}
