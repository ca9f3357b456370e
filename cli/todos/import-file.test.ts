import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { COMMANDS } from '../commands.ts';
import { runInProcess } from '../testing/run-in-process.ts';
import { type Answer, bearer, startTestApi } from './testing/start-test-api.ts';

const created = (count: number): Answer => [200, { created: count, skipped: 0 }];

const NOWHERE = { environment: { AUTH_ISSUER: 'http://127.0.0.1:1', API_RESOURCE: 'http://127.0.0.1:1/api' } };

function writeTodos(count: number): string {
  return Array.from({ length: count }, (_, index) => `- [ ] Todo ${index}\n`).join('');
}

function importFrom(
  file: string,
  { environment }: { environment: Record<string, string> },
  { words = [], showProgress }: { words?: readonly string[]; showProgress?: (text: string) => void } = {},
) {
  return runInProcess(['todos', 'import', '-', '--time-zone', 'Asia/Tokyo', ...words], COMMANDS, {
    environment,
    readStdinBytes: () => Buffer.from(file),
    showProgress,
  });
}

test('todos are imported in parts, and the result says how many, from what, and for whom', async () => {
  await using server = await startTestApi([created(200), [200, { created: 40, skipped: 10 }]]);
  const { exitCode, stdout, stderr } = await importFrom(writeTodos(250), server);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toBe(
    [
      'Read 250 todos. Format: markdown. Time zone: Asia/Tokyo.',
      'Imported into the todos of demo: 240 created, 10 skipped.',
      'A todo is skipped if its id exists. Deleted todos have theirs for 30 days.\n',
    ].join('\n'),
  );
  expect(server.imports.map(({ titles }) => titles.length)).toEqual([200, 50]);
  expect(server.imports.flatMap(({ titles }) => titles)[249]).toBe('Todo 249');
});

test('--json has the same as data', async () => {
  await using server = await startTestApi([created(1)]);
  const { stdout } = await importFrom('- [ ] Milk 🔁 every week\n', server, { words: ['--json'] });
  expect(JSON.parse(stdout)).toEqual({
    format: 'markdown',
    time_zone: 'Asia/Tokyo',
    total: 1,
    not_kept: [{ what: 'recurrence', count: 1 }],
    subject: 'demo',
    created: 1,
    skipped: 0,
  });
});

test('a dry run shows the first todos, and sends nothing', async () => {
  const file = `- [x] Milk #shop ⏫ 📅 2027-01-02\n${writeTodos(11)}`;
  const { exitCode, stdout } = await importFrom(file, NOWHERE, { words: ['--dry-run'] });
  expect(exitCode).toBe(0);
  expect(stdout).toContain('Nothing was imported, because of --dry-run.');
  expect(stdout).toContain('  [x] "Milk"  due 2027-01-02  priority 2  tags shop\n');
  expect(stdout).toContain('  [ ] "Todo 8"\n  and 2 more\n');
  const asJson = await importFrom(file, NOWHERE, { words: ['--dry-run', '--json'] });
  expect(JSON.parse(asJson.stdout)).toMatchObject({ dry_run: true, total: 12, todos: { length: 12 } });
});

test('a file with a line that is not valid is rejected before anything is sent', async () => {
  await using server = await startTestApi([]);
  for (const [file, message] of [
    ['{"title":"A"}\n{"title":7}\n', 'Line 2: title: expected a string of at most 500 characters'],
    ['BEGIN:VCALENDAR\nBEGIN:VTODO\nEND:VEVENT\n', 'Line 3: END:VEVENT does not belong to BEGIN:VTODO'],
    ['Dear diary', 'The format of the file is not recognized.'],
  ] as const) {
    const { exitCode, stdout, stderr } = await importFrom(file, server);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(message);
  }
  expect(server.imports).toEqual([]);
});

test('a given format is used without recognition', async () => {
  await using server = await startTestApi([created(1)]);
  const { stdout } = await importFrom('Feed the cat', server, { words: ['--format', 'todotxt'] });
  expect(stdout).toContain('Format: todotxt.');
  expect(server.imports[0]?.titles).toEqual(['Feed the cat']);
});

test('an export of yata has no times without a zone, so the result names none', async () => {
  await using server = await startTestApi([created(1)]);
  const line = '{"title":"Milk","due_on":"2027-01-02"}\n';
  const { stdout } = await importFrom(line, server, { words: ['--dry-run'] });
  expect(stdout).toMatch(/^Read 1 todo\. Format: jsonl\.\n/);
  const asJson = JSON.parse((await importFrom(line, server, { words: ['--json'] })).stdout);
  expect(asJson).toEqual({ format: 'jsonl', total: 1, not_kept: [], subject: 'demo', created: 1, skipped: 0 });
});

test('a date that is kept as words is not reported as lost', async () => {
  const { stdout } = await importFrom('TYPE,CONTENT,DATE\ntask,Plant,soon\n', NOWHERE, { words: ['--dry-run'] });
  expect(stdout).toContain(
    'Not kept, or only as words in the description, with the number of todos that have it:\n  1  date in words\n',
  );
});

test('progress is shown when a person looks, and is removed at the end', async () => {
  await using server = await startTestApi([created(200), created(200)]);
  const shown: string[] = [];
  await importFrom(writeTodos(400), server, { showProgress: (text) => shown.push(text) });
  expect(shown).toEqual([
    '[..............................] 0 of 400 todos',
    '[###############...............] 200 of 400 todos',
    '[##############################] 400 of 400 todos',
    '',
  ]);
});

test('a part is sent again when the API has no points left or is busy', async () => {
  const wait = { 'retry-after': '0' };
  await using server = await startTestApi([[429, {}, wait], [503, {}, wait], created(1)]);
  const { exitCode } = await importFrom('- [ ] Milk', server);
  expect(exitCode).toBe(0);
  expect(server.imports.map(({ titles }) => titles)).toEqual([['Milk'], ['Milk'], ['Milk']]);
});

test('an expired access token is replaced once', async () => {
  const expired: Answer = [401, { detail: 'The access token has expired' }];
  await using server = await startTestApi([expired, created(1)]);
  expect((await importFrom('- [ ] Milk', server)).exitCode).toBe(0);
  expect(server.imports.map(({ authorization }) => authorization)).toEqual([bearer(1), bearer(2)]);

  await using rejecting = await startTestApi([expired, expired, created(1)]);
  const { exitCode, stderr } = await importFrom('- [ ] Milk', rejecting);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('The todo API rejected the request: The access token has expired');
  expect(rejecting.imports).toHaveLength(2);
});

test('an import that fails in the middle says how many todos were imported, and what to do', async () => {
  const failWith = async (failure: Answer) => {
    await using server = await startTestApi([created(200), created(200), failure]);
    const { exitCode, stdout, stderr } = await importFrom(writeTodos(1200), server);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    return stderr;
  };
  expect(await failWith([500, { detail: 'The todo API failed' }])).toBe(
    '400 of 1,200 todos were imported, then the import failed. Run the same command again to import the rest.\n  because: The todo API rejected the request: The todo API failed\n',
  );
  const permanent =
    '400 of 1,200 todos were imported, then the import failed. When the cause is solved, the same command imports the rest.\n';
  expect(await failWith([507, { detail: 'You can store 400 todos' }])).toBe(
    `${permanent}  because: The todo API rejected the request: You can store 400 todos\n`,
  );
  expect(await failWith([403, { detail: 'The access token lacks a scope' }])).toContain(permanent);
});

test('a short outage of the authorization server in the middle of an import is waited for', async () => {
  const expired: Answer = [401, { detail: 'The access token has expired' }];
  const outage: Answer[] = [
    [503, {}],
    [429, {}, { 'retry-after': '1' }],
  ];
  await using server = await startTestApi([created(200), expired, created(1)], { body: '' }, [undefined, ...outage]);
  const { exitCode, stdout } = await importFrom(writeTodos(201), server);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('201 created');
});

test('a file that cannot be read names the cause', async () => {
  using directory = makeTemporaryDirectory();
  const readFile = (file: string) => runInProcess(['todos', 'import', file, '--dry-run'], COMMANDS);
  const { exitCode, stderr } = await readFile(join(directory.path, 'none'));
  expect(exitCode).toBe(2);
  expect(stderr).toContain('FILE: expected a readable file: no such file or directory (ENOENT)\n');
  expect((await readFile(directory.path)).stderr).toContain('illegal operation on a directory (EISDIR)');
});

test.skipIf(!existsSync('/dev/zero'))('a file without an end is rejected', async () => {
  const { exitCode, stderr } = await runInProcess(['todos', 'import', '/dev/zero', '--dry-run'], COMMANDS);
  expect(exitCode).toBe(1);
  expect(stderr).toBe('The file has more than 10000000 bytes. Split it, and import the parts\n');
});

test('stdin is read to a limit', async () => {
  const limits: number[] = [];
  const readStdinBytes = (maxBytes: number) => {
    limits.push(maxBytes);
    return Buffer.from('- [ ] Milk');
  };
  await runInProcess(['todos', 'import', '-', '--dry-run'], COMMANDS, { readStdinBytes });
  expect(limits).toEqual([200_000_000]);
});

test('a response that is not of the todo API is a failure', async () => {
  await using server = await startTestApi([[404, { error: 'none' }]]);
  const { exitCode, stderr } = await importFrom('- [ ] Milk', server);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('because: The todo API answered with status 404.');
});
