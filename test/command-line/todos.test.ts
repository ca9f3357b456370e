import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { EXPORT_FORMATS } from '../../shared/todo-formats/export-formats.ts';
import { EXAMPLE_FILES } from '../../shared/todo-formats/testing/example-files.ts';
import { listTodos } from '../support/list-todos.ts';
import { environmentOf, logIn } from '../support/log-in.ts';
import { createPerson } from '../support/persons.ts';
import { processEnvironment } from '../support/process-environment.ts';
import { runYata } from '../support/run-yata.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

// several processes, one after another
vi.setConfig({ testTimeout: 90_000 });

/** The environment of a command with the credentials of a client. */
function asClient(system: System, { id, secret }: TestClient) {
  return { ...environmentOf(system), OAUTH_CLIENT_ID: id, OAUTH_CLIENT_SECRET: secret };
}

async function countTodos(system: System, client: TestClient): Promise<number> {
  const accessToken = await system.getAccessToken(client);
  const counted = await fetch(`${system.apiResource}/todos?limit=1&count=true`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  await counted.body?.cancel();
  return Number(counted.headers.get('total-count'));
}

test('a client imports a file once, however often the command runs', async () => {
  await using system = await startSystem();
  const client = await system.registerClient();
  const environment = asClient(system, client);
  const importFile = () => runYata(['todos', 'import', '-', '--json'], { environment, stdin: EXAMPLE_FILES.markdown });
  const first = await importFile();
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(first.stdout)).toMatchObject({ subject: client.id, created: 4, skipped: 0 });
  expect(JSON.parse((await importFile()).stdout)).toMatchObject({ created: 0, skipped: 4 });
  const titles = (await listTodos(system, client)).map(({ title }) => title);
  expect(titles.sort()).toEqual(['Find a lamp', 'Insulate the roof', 'Sell the piano', 'Sort the boxes']);
});

test('a person who signed in imports into the own todos', async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const environment = environmentOf(system);
  await logIn(system, person, environment);
  const { code, stdout } = await runYata(['todos', 'import', '-'], { environment, stdin: EXAMPLE_FILES.todotxt });
  expect(code).toBe(0);
  expect(stdout).toContain(`Imported into the todos of ${person.id}: 3 created, 0 skipped.`);
});

test('a client without the scope todos:write imports nothing', async () => {
  await using system = await startSystem();
  const client = await system.registerClient({ scopes: ['todos:read'] });
  const { code, stderr } = await runYata(['todos', 'import', '-'], {
    environment: asClient(system, client),
    stdin: EXAMPLE_FILES.todotxt,
  });
  expect(code).toBe(1);
  expect(stderr).toContain('0 of 3 todos were imported, then the import failed.');
  expect(stderr).toContain('todos:write');
});

test('an import that was killed is completed by the same command', async () => {
  await using system = await startSystem();
  using directory = makeTemporaryDirectory();
  const client = await system.registerClient();
  const environment = asClient(system, client);
  const file = join(directory.path, 'todos.md');
  writeFileSync(file, Array.from({ length: 4000 }, (_, index) => `- [ ] Todo ${index % 3900} #home\n`).join(''));

  const child = spawn(process.execPath, ['yata.ts', 'todos', 'import', file], {
    env: processEnvironment(environment),
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await vi.waitFor(async () => expect(await countTodos(system, client)).toBeGreaterThan(0), {
    timeout: 60_000,
    interval: 20,
  });
  child.kill('SIGKILL');
  await ended;
  const written = await countTodos(system, client);
  expect(written).toBeLessThan(4000);

  const { stdout } = await runYata(['todos', 'import', file, '--json'], { environment });
  const { created, skipped } = JSON.parse(stdout);
  expect(created + skipped).toBe(4000);
  // a request that was under way may have been stored after the count
  expect(skipped).toBeGreaterThanOrEqual(written);
  expect(await countTodos(system, client)).toBe(4000);
});

test.each(EXPORT_FORMATS)('what a client exports as %s, another client imports', async (format) => {
  await using system = await startSystem();
  using directory = makeTemporaryDirectory();
  const [from, to] = [await system.registerClient(), await system.registerClient()];
  const zone = ['--time-zone', 'Europe/Rome'];
  const imported = await runYata(['todos', 'import', '-', ...zone], {
    environment: asClient(system, from),
    stdin: EXAMPLE_FILES.icalendar,
  });
  expect(imported.code).toBe(0);
  const file = join(directory.path, 'todos');
  const exported = await runYata(['todos', 'export', '--format', format, ...zone, '--output', file, '--json'], {
    environment: asClient(system, from),
  });
  expect(JSON.parse(exported.stdout)).toMatchObject({ format, total: 2, subject: from.id });
  const again = await runYata(['todos', 'import', file, ...zone, '--json'], { environment: asClient(system, to) });
  expect(JSON.parse(again.stdout)).toMatchObject({ format, created: 2, not_kept: [] });

  const [before, after] = [await listTodos(system, from), await listTodos(system, to)];
  const fieldsOf = (todos: typeof before) =>
    todos
      .map(({ title, completed, priority, due_on }) => ({ title, completed, priority, due_on: due_on !== null }))
      .sort((a, b) => (a.title < b.title ? -1 : 1));
  if (format === 'todotxt' || format === 'markdown') {
    expect(fieldsOf(after).map(({ title }) => title)).toEqual(fieldsOf(before).map(({ title }) => title));
  } else {
    expect(fieldsOf(after)).toEqual(fieldsOf(before));
    expect(after.map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
  }
});

test('the output of an export can be cut', async () => {
  await using system = await startSystem();
  const client = await system.registerClient();
  const environment = asClient(system, client);
  const stdin = Array.from({ length: 2000 }, (_, index) => `- [ ] Todo ${index}\n`).join('');
  await runYata(['todos', 'import', '-'], { environment, stdin });
  const { stdout, stderr } = await promisify(execFile)(
    'sh',
    ['-c', '"$0" yata.ts todos export | head -n 2', process.execPath],
    { env: processEnvironment(environment) },
  );
  expect(stdout.trim().split('\n')).toHaveLength(2);
  expect(stderr).toBe('');
});
