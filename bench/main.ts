import { availableParallelism } from 'node:os';
import { compare } from './compare.ts';
import { COMPARISONS } from './comparisons.ts';
import { CORES, findPin, type Pin } from './find-pin.ts';
import { findPostgresql } from './find-postgresql.ts';
import { CONNECTIONS } from './load-request.ts';
import { measurePages } from './measure-pages.ts';
import { measureRevocation } from './measure-revocation.ts';
import { measureStartUps } from './measure-start-ups.ts';
import { comparisonRow, type Row, renderTable, startUpRows } from './table.ts';

/** The names of the measurements without a baseline. */
const START = 'start';
const REVOCATION = 'revocation';
const PAGES = 'pages';
const NAMES = [...Object.keys(COMPARISONS), START, REVOCATION, PAGES];

async function bench(names: readonly string[]): Promise<void> {
  const found = findPin();
  const pin: Pin = found ?? ((_core, command) => command);
  const postgresql = await findPostgresql(process.env.DATABASE_URL || undefined);
  say(
    [
      `Node ${process.versions.node} on ${availableParallelism()} cores, ${CONNECTIONS} connections`,
      found
        ? `server on core ${CORES.server}, load on core ${CORES.load}`
        : 'not pinned to cores: no taskset, or one core',
      postgresql
        ? `PostgreSQL ${postgresql.version}`
        : 'no PostgreSQL answers: auth is on the embedded database, and the comparisons of the api are left out',
    ].join('; '),
  );

  const environment = { ...process.env, NODE_ENV: 'production', TEST_DATABASE_URL: postgresql?.url };
  const rows: Row[] = [];
  for (const [name, comparison] of Object.entries(COMPARISONS)) {
    if (!names.includes(name) || (comparison.needsPostgresql && postgresql === undefined)) continue;
    say(`${name} …`);
    rows.push(comparisonRow(name, comparison, await compare(comparison, { environment, pin })));
  }
  if (names.includes(START)) {
    say(`${START} …`);
    const { first, next } = await measureStartUps();
    rows.push(...startUpRows('first start', first, { withinMilliseconds: 5000, withinMegabytes: 500 }));
    rows.push(...startUpRows('next start', next, { withinMilliseconds: 2000, withinMegabytes: 500 }));
  }
  if (rows.length > 0) say(`\n${renderTable(rows)}`);
  if (names.includes(REVOCATION)) {
    say(`${REVOCATION} …`);
    if (postgresql !== undefined) process.env.TEST_DATABASE_URL = postgresql.url;
    for (const line of await measureRevocation()) say(`  ${line}`);
  }
  if (names.includes(PAGES) && postgresql !== undefined) {
    say(`${PAGES} …`);
    process.env.TEST_DATABASE_URL = postgresql.url;
    for (const { name, few, many } of await measurePages())
      say(`  a page of 50 ${name}: ${few.toFixed(2)} ms of 100 todos, ${many.toFixed(2)} ms of 1,000,000`);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const asked = process.argv.slice(2);
if (asked.every((name) => NAMES.includes(name))) await bench(asked.length > 0 ? asked : NAMES);
else {
  process.stderr.write(`usage: npm run bench [-- NAME …]\n\n  ${NAMES.join('\n  ')}\n`);
  process.exitCode = 2;
}
