import { availableParallelism } from 'node:os';
import { compare } from './compare.ts';
import { COMPARISONS } from './comparisons.ts';
import { CORES, findPin, type Pin } from './find-pin.ts';
import { findPostgresql } from './find-postgresql.ts';
import { CONNECTIONS } from './load-request.ts';
import { measureMove } from './measure-move.ts';
import { measurePages } from './measure-pages.ts';
import { measureRevocation } from './measure-revocation.ts';
import { measureStartUps } from './measure-start-ups.ts';
import { COLUMNS, comparisonRow, type Row, renderTable, startUpRows } from './table.ts';

// the measurements without a baseline
const START = 'start';
const REVOCATION = 'revocation';
const PAGES = 'pages';
const MOVE = 'move';
const NAMES = [...Object.keys(COMPARISONS), START, REVOCATION, PAGES, MOVE];

async function bench(names: readonly string[]): Promise<void> {
  const taskset = findPin();
  const pin: Pin = taskset ?? ((_core, command) => command);
  const postgresql = await findPostgresql(process.env.DATABASE_URL || undefined);
  print(
    [
      `Node ${process.versions.node} on ${availableParallelism()} cores, ${CONNECTIONS} connections`,
      taskset
        ? `server on core ${CORES.server}, load on core ${CORES.load}`
        : 'not pinned to cores, because there is no taskset or only one core',
      postgresql
        ? `PostgreSQL ${postgresql.version}`
        : 'no PostgreSQL server: auth uses the embedded database, and the benches that need it are skipped',
    ].join('; '),
  );

  const environment = { ...process.env, NODE_ENV: 'production', TEST_DATABASE_URL: postgresql?.url };
  const rows: Row[] = [];
  for (const [name, comparison] of Object.entries(COMPARISONS)) {
    if (!names.includes(name) || (comparison.needsPostgresql && postgresql === undefined)) continue;
    print(`${name} …`);
    rows.push(comparisonRow(name, comparison, await compare(comparison, { environment, pin })));
  }
  if (names.includes(START)) {
    print(`${START} …`);
    const { first, next } = await measureStartUps();
    rows.push(...startUpRows('first start', first, { limitMs: 5000, limitMegabytes: 500 }));
    rows.push(...startUpRows('next start', next, { limitMs: 2000, limitMegabytes: 500 }));
  }
  if (rows.length > 0) print(`\n${renderTable(COLUMNS, rows)}`);
  if (names.includes(REVOCATION)) {
    print(`${REVOCATION} …`);
    if (postgresql !== undefined) process.env.TEST_DATABASE_URL = postgresql.url;
    for (const line of await measureRevocation()) print(`  ${line}`);
  }
  if (names.includes(PAGES) && postgresql !== undefined) {
    print(`${PAGES} …`);
    process.env.TEST_DATABASE_URL = postgresql.url;
    for (const { name, few, many } of await measurePages())
      print(`  a page of 50 ${name}: ${few.toFixed(2)} ms of 100 todos, ${many.toFixed(2)} ms of 1,000,000`);
  }
  if (names.includes(MOVE) && postgresql !== undefined) {
    print(`${MOVE} …`);
    process.env.TEST_DATABASE_URL = postgresql.url;
    const { rows, seconds, megabytes } = await measureMove();
    print(`  ${rows} rows in ${seconds} s, ${Math.round(rows / seconds)} rows/s, ${Math.round(megabytes)} MB at most`);
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const requestedNames = process.argv.slice(2);
if (requestedNames.every((name) => NAMES.includes(name)))
  await bench(requestedNames.length > 0 ? requestedNames : NAMES);
else {
  process.stderr.write(`usage: npm run bench [-- NAME …]\n\n  ${NAMES.join('\n  ')}\n`);
  process.exitCode = 2;
}
