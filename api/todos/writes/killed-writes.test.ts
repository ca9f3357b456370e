import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type Database, openEmbeddedDatabase } from '../../../shared/database/database.ts';
import { openOrm } from '../../../shared/database/orm.ts';
import { makeTemporaryDirectory } from '../../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../../shared/testing/test-database.ts';
import { apiDatabase } from '../../database/definition.ts';

const SCRIPT = fileURLToPath(new URL('../../testing/write-until-killed.ts', import.meta.url));

/** How often the process is killed: `KILLS=100 npx vitest run api/todos/writes/killed-writes.test.ts` takes some minutes. */
const KILLS = Number(process.env.KILLS ?? 3);

test('no acknowledged write is lost, and the feed stays complete, however often the process is killed', async () => {
  await using resources = new AsyncDisposableStack();
  const { path } = resources.use(makeTemporaryDirectory());
  const server = process.env.TEST_DATABASE_URL === undefined ? undefined : resources.use(await openTestDatabase());
  const where = server?.kind === 'postgresql' ? server.url : path;
  const acknowledged: string[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [SCRIPT, where], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [printed] = await Promise.all([text(child.stdout), killSoon(child)]);
    expect(printed).not.toBe('');
    // the last line may be cut off
    acknowledged.push(...printed.split('\n').slice(0, -1));
  }
  const database: Database = server ?? resources.use(await openEmbeddedDatabase(path));
  const { em } = resources.use(await openOrm(database, apiDatabase));
  const stored = await em.execute<{ owner: string; todo_id: string; version: number; sequence: number }[]>(
    'select owner, todo_id, version, sequence::int as sequence from api.todo_change order by owner, sequence',
  );
  const changes = new Set(stored.map(({ owner, todo_id, version }) => `${owner} ${todo_id} ${version}`));
  expect(acknowledged.filter((line) => !changes.has(line))).toEqual([]);
  for (const [, ofOwner] of Map.groupBy(stored, ({ owner }) => owner))
    expect(ofOwner.map(({ sequence }) => sequence)).toEqual(ofOwner.map((_, index) => index + 1));
  const differing = await em.execute(
    `select 1 from api.todo_list list where sequence <> (select count(*) from api.todo_change c where c.owner = list.owner)
       or todos <> (select count(*) from api.todo t where t.owner = list.owner)`,
  );
  expect(differing).toEqual([]);
}, 600_000);

/** Kills a process a moment after it has begun to write. */
async function killSoon(child: ReturnType<typeof spawn>): Promise<void> {
  await Promise.race([once(child.stdout ?? child, 'data'), once(child, 'exit')]);
  await delay(Math.random() * 300);
  child.kill('SIGKILL');
}
