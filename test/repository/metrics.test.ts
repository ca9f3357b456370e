import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startSystem } from '../support/start-system.ts';

/** A row of a table of metrics: name, type, services, meaning. */
const ROW = /^\| `([a-z0-9_]+)` \| (counter|gauge|histogram) \| ([a-z, ]+) \| (.+) \|$/gm;

test('docs/metrics.md lists exactly the metrics that auth, api and mcp print, with their types', async () => {
  const documented = [...readFileSync('docs/metrics.md', 'utf8').matchAll(ROW)].map(
    ([, name = '', type = '', services = '', meaning = '']) => ({
      name,
      type,
      services: services.split(', '),
      meaning,
    }),
  );
  await using system = await startSystem();
  const origins = { auth: system.issuer, api: system.apiResource, mcp: system.mcpResource };
  for (const [service, url] of Object.entries(origins)) {
    const text = await (await fetch(new URL('/metrics', url))).text();
    const printed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    const expected = documented
      .filter(({ services }) => services.includes(service))
      .filter(({ meaning }) => process.platform === 'linux' || !meaning.includes('(Linux)'))
      .map(({ name, type }) => `${name} ${type}`);
    expect([service, ...expected.sort()]).toEqual([service, ...printed.sort()]);
  }
});
