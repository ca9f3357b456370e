import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as z from 'zod';
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

test('docs/monitoring.md says what to do at each alert, and each alert links there', () => {
  const rules = readFileSync('docker/observability/alerts.yml', 'utf8')
    .split(/^ {6}- alert: /m)
    .slice(1);
  const page = readFileSync('docs/monitoring.md', 'utf8');
  const headings = [...page.matchAll(/^### (Yata\w+)$/gm)].map(([, name]) => name);
  expect(rules.map((rule) => rule.split('\n')[0])).toEqual(headings);
  for (const rule of rules) {
    const name = rule.split('\n')[0] ?? '';
    expect(rule).toMatch(/^ {8}labels: \{ severity: (critical|warning) \}$/m);
    expect(rule).toMatch(/^ {10}summary: '.+'$/m);
    expect(rule).toMatch(new RegExp(`^ {10}description: '.+ docs/monitoring\\.md#${name.toLowerCase()}'$`, 'm'));
  }
});

test('each panel of the dashboard has a place, and asks the data source that is provisioned', () => {
  const Panel = z.object({
    id: z.number(),
    title: z.string().min(1),
    gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
    targets: z.array(z.object({ expr: z.string().min(1), datasource: z.object({ uid: z.string() }) })).default([]),
  });
  const path = 'docker/observability/grafana/dashboards/yata.json';
  const { panels } = z.object({ panels: z.array(Panel) }).parse(JSON.parse(readFileSync(path, 'utf8')));
  const sources = readFileSync('docker/observability/grafana/provisioning/datasources/prometheus.yml', 'utf8');
  const [, uid] = /\buid: (\w+)/.exec(sources) ?? [];
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length);
  for (const { gridPos, targets } of panels) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (const { datasource } of targets) expect(datasource.uid).toBe(uid);
  }
  expect(panels.flatMap(({ targets }) => targets).length).toBeGreaterThan(30);
});
