import { readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { isCheckout, listRepositoryFiles } from '../support/list-repository-files.ts';

const LEVELS = 'fatal|error|warn|info|debug|trace';
const LOG_CALL = new RegExp(`\\blogger\\.(${LEVELS})\\(`, 'g');
const EVENT = new RegExp(`\\blogger\\.(${LEVELS})\\(\\s*\\{\\s*event: '([a-z_]+(?:\\.[a-z_]+)+)'`, 'g');
/** A row of the table of events: event, level, services, meaning. */
const ROW = /^\| `([a-z_.]+)` \| ([a-z]+) \| ([a-z, ]+) \| .+ \|$/gm;

type LogEvent = { readonly file: string; readonly level: string; readonly event: string };

beforeEach(({ skip }) => {
  if (!isCheckout()) skipOutsideCi(skip, 'The folder is not a git checkout.');
});

test('every log call has an event', () => {
  for (const file of listSources()) {
    const text = readFileSync(file, 'utf8');
    const calls = [...text.matchAll(LOG_CALL)].length;
    expect(`${file}: ${[...text.matchAll(EVENT)].length} of ${calls} log calls begin with an event`).toBe(
      `${file}: ${calls} of ${calls} log calls begin with an event`,
    );
  }
});

test('docs/debugging.md lists exactly the events of the code, with their level', () => {
  const written = findEvents().map(({ event, level }) => `${event} ${level}`);
  const documented = readRows().map(({ event, level }) => `${event} ${level}`);
  expect(documented.sort()).toEqual([...new Set(written)].sort());
});

test('docs/debugging.md names the services that log an event', () => {
  const rows = readRows();
  for (const { file, event } of findEvents()) {
    const [service = ''] = file.split('/');
    // a file of shared/ runs in several services
    if (service !== 'shared')
      expect(rows).toContainEqual(expect.objectContaining({ event, services: expect.arrayContaining([service]) }));
  }
});

function listSources(): string[] {
  return ['auth', 'api', 'mcp', 'shared', 'cli']
    .flatMap((folder) => listRepositoryFiles(`${folder}/**/*.ts`).concat(listRepositoryFiles(`${folder}/*.ts`)))
    .filter((file, index, files) => files.indexOf(file) === index)
    .filter((file) => !file.endsWith('.test.ts') && !file.includes('/testing/'));
}

function findEvents(): LogEvent[] {
  return listSources().flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(EVENT)].map(([, level = '', event = '']) => ({ file, level, event })),
  );
}

function readRows(): { event: string; level: string; services: string[] }[] {
  return [...readFileSync('docs/debugging.md', 'utf8').matchAll(ROW)].map(
    ([, event = '', level = '', services = '']) => ({ event, level, services: services.split(', ') }),
  );
}
