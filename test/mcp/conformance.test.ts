import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startLoopbackProxy } from '../../shared/testing/loopback-proxy.ts';
import { conformanceFeatures } from '../support/conformance-features.ts';
import { startMcpApp } from '../support/start-mcp-app.ts';
import { startSystem } from '../support/start-system.ts';

const STATELESS = 'needs a session; every process answers every request, and none sends requests to the client';
const LOGS =
  'the server logs to stderr for its operator; it does not declare the capability, which is deprecated since 2026-07-28';
const TASKS = 'is for an extension that the server does not announce: no call takes long enough to need it';

/** The scenarios of each revision that do not pass, with the reason. All others do. */
const LEFT_OUT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '2025-11-25': {
    'logging-set-level': LOGS,
    'tools-call-with-logging': LOGS,
    'tools-call-sampling': STATELESS,
    'tools-call-elicitation': STATELESS,
    'elicitation-sep1034-defaults': STATELESS,
    'elicitation-sep1330-enums': STATELESS,
    'resources-subscribe': STATELESS,
    'resources-unsubscribe': STATELESS,
    'server-session-lifecycle': STATELESS,
    'server-sse-polling': 'no stream can be resumed, because the server stores no responses',
    'server-sse-multiple-streams': 'checks nothing without a session, and reports a warning',
  },
  '2026-07-28': {
    'http-custom-header-server-validation':
      'is for servers with a tool whose arguments are also headers: yata has none',
    'tasks-lifecycle': TASKS,
    'tasks-capability-negotiation': TASKS,
    'tasks-wire-fields': TASKS,
    'tasks-request-state-removal': TASKS,
    'tasks-mrtr-input': TASKS,
    'tasks-request-headers': TASKS,
    'tasks-dispatch-and-envelope': TASKS,
    'tasks-status-notifications': TASKS,
    'tasks-required-task-error': TASKS,
    'tasks-mrtr-composition': TASKS,
  },
};

/** The scenarios that need no feature of the suite. They also pass against yata as it is. */
const PRODUCT_SCENARIOS: Readonly<Record<string, readonly string[]>> = {
  '2025-11-25': [
    'server-initialize',
    'ping',
    'tools-list',
    'resources-list',
    'prompts-list',
    'dns-rebinding-protection',
  ],
  '2026-07-28': [
    'tools-list',
    'resources-list',
    'prompts-list',
    'caching',
    'sep-2164-resource-not-found',
    'http-header-validation',
    'input-required-result-unsupported-methods',
    'dns-rebinding-protection',
  ],
};

const REVISIONS = Object.keys(LEFT_OUT);

test.each(REVISIONS)(
  'every scenario of %s passes, or is left out with a reason',
  { timeout: 60_000 },
  async (revision) => {
    await using mcp = await startMcpApp({ features: conformanceFeatures });
    await using proxy = await startBearerProxy(mcp.resource, await mcp.issuer.issue());
    const { scenarios, output } = await runScenarios(revision, `${proxy.origin}/mcp`);
    expect(scenarios.size).toBeGreaterThan(30);
    const failed = [...scenarios].filter(([, passed]) => !passed).map(([name]) => name);
    expect(failed.sort(), output).toEqual(Object.keys(LEFT_OUT[revision] ?? {}).sort());
  },
);

test('yata as it is passes the scenarios for any server', { timeout: 60_000 }, async () => {
  await using system = await startSystem();
  const accessToken = await system.getAccessToken(await system.registerClient(), { resource: system.mcpResource });
  await using proxy = await startBearerProxy(system.mcpResource, accessToken);
  for (const revision of REVISIONS) {
    const { scenarios, output } = await runScenarios(revision, `${proxy.origin}/mcp`);
    for (const scenario of PRODUCT_SCENARIOS[revision] ?? [])
      expect(scenarios.get(scenario), `${revision} ${scenario} ${output}`).toBe(true);
    // the suite finds what yata does not have
    expect(scenarios.get('tools-call-image')).toBe(false);
  }
});

/** Starts a proxy that adds an access token to each request, because the suite cannot send one. */
function startBearerProxy(resource: string, accessToken: string) {
  return startLoopbackProxy({
    target: () => resource,
    rewriteHeaders: (headers) => ({ ...headers, authorization: `Bearer ${accessToken}` }),
  });
}

/**
 * Runs all scenarios of a revision. One has passed if the suite checked something, and reports no failure and no warning: it
 * warns of a check that it could not do.
 */
async function runScenarios(revision: string, url: string) {
  const output = await runSuite('server', '--url', url, '--requirements', revision);
  const [, summary = ''] = output.split('=== SUMMARY ===');
  const lines = summary.matchAll(/^[✓✗] (\S+): (\d+) passed, (.+)$/gm);
  const scenarios = new Map(
    Array.from(lines, ([, name = '', count, rest]) => [name, count !== '0' && rest === '0 failed']),
  );
  return { scenarios, output };
}

const SUITE_SCRIPT = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));

/** Milliseconds after which the suite is killed. */
const SUITE_TIMEOUT_MS = 30_000;

/** Runs the command line of the suite. It also ends with an error when a scenario that is left out fails. */
function runSuite(...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const options = { timeout: SUITE_TIMEOUT_MS, killSignal: 'SIGKILL', env: { NO_COLOR: '1' } } as const;
    execFile(process.execPath, [SUITE_SCRIPT, ...args], options, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}
