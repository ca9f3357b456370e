import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiDatabase } from '../api/database/definition.ts';
import { authDatabase } from '../auth/database/definition.ts';
import { openEmbeddedDatabase } from '../shared/database/database.ts';
import { openOrm } from '../shared/database/orm.ts';
import { makeTemporaryDirectory } from '../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../shared/testing/test-database.ts';

/** What `yata move` did: its own result, and the most memory that its process had. */
type MeasuredMove = { readonly rows: number; readonly seconds: number; readonly megabytes: number };

/** The number of todos that one statement inserts. */
const CHUNK_SIZE = 20_000;

/**
 * Fills an embedded database with a million todos of a hundred owners, and as many changes, and measures `yata move` of it to
 * the PostgreSQL server of the tests. The todos have descriptions of 100 characters. To insert them takes four minutes.
 */
export async function measureMove(count = 1_000_000): Promise<MeasuredMove> {
  using directory = makeTemporaryDirectory();
  const data = join(directory.path, 'data');
  await fill(data, count);
  await using database = await openTestDatabase();
  if (database.kind === 'embedded') throw new Error('expected TEST_DATABASE_URL to name a PostgreSQL server');
  const child = spawn(process.execPath, ['yata.ts', 'move', '--to', '-', '--json'], {
    env: { PATH: process.env.PATH, YATA_DATA_DIR: data },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(database.url);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  let megabytes = 0;
  const timer = setInterval(() => {
    megabytes = Math.max(megabytes, readMostMegabytes(child.pid));
  }, 200);
  const [code] = await once(child, 'close');
  clearInterval(timer);
  if (code !== 0) throw new Error(`yata move ended with ${code}`);
  return { ...JSON.parse(output), megabytes };
}

async function fill(data: string, count: number): Promise<void> {
  await using database = await openEmbeddedDatabase(data);
  await using _auth = await openOrm(database, authDatabase);
  await using api = await openOrm(database, apiDatabase);
  for (let from = 1; from <= count; from += CHUNK_SIZE) {
    const to = Math.min(from + CHUNK_SIZE - 1, count);
    await api.em.execute(
      `insert into api.todo (id, owner, title, description, completed, completed_at, due_at, priority, tags, position,
         version, words, created_at, updated_at, deleted_at)
       select gen_random_uuid(), 'owner ' || n % 100, 'Todo number ' || n, repeat(md5(n::text), 3) || ' end', n % 10 <> 0,
         case when n % 10 <> 0 then now() end, case when n % 2 = 0 then now() + n * interval '1 minute' end, n % 4 + 1,
         array['bench', 'tag ' || n % 100], n, 1, array_to_tsvector(array['todo', 'number', 'end', n::text, md5(n::text)]),
         now() + n * interval '1 ms', now() - n * interval '1 ms', null
       from generate_series(?::int, ?::int) n`,
      [from, to],
    );
    await api.em.execute(
      `insert into api.todo_change (owner, sequence, change, todo_id, version, todo, at)
       select 'owner ' || n % 100, n, 'created', gen_random_uuid(), 1,
         json_build_object('title', 'Todo number ' || n, 'description', repeat(md5(n::text), 3)), now()
       from generate_series(?::int, ?::int) n`,
      [from, to],
    );
  }
}

/** The most memory that a process had so far. */
function readMostMegabytes(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    // it has ended, or this is not Linux
    return 0;
  }
}
