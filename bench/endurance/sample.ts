import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { type Installation, SERVICES } from './installation.ts';

/** Figures of the processes and of the database at one time, by their names. */
export type Sample = { readonly at: string; readonly figures: Readonly<Record<string, number>> };

/** Figures of `/metrics` of each process, and how many of its unit are one of the sample's. */
const METRICS = {
  nodejs_heap_size_used_bytes: { name: 'heap used, MB', unit: 1_000_000 },
  nodejs_eventloop_lag_p99_seconds: { name: 'event loop lag p99, ms', unit: 0.001 },
  database_pool_connections: { name: 'pool connections', unit: 1 },
} as const;

/** Takes a sample of every process that runs and of the database. */
export async function takeSample(installation: Installation): Promise<Sample> {
  const figures: Record<string, number> = {};
  for (const service of SERVICES) {
    for (const [index, { pid, url }] of installation.running(service).entries()) {
      const process = `${service} ${index + 1}`;
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      figures[`${process}: resident, MB`] = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1000;
      figures[`${process}: open files`] = readdirSync(`/proc/${pid}/fd`).length;
      const metrics = await (await fetch(`${url}/metrics`)).text();
      for (const [metric, { name, unit }] of Object.entries(METRICS)) {
        const values = [...metrics.matchAll(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))];
        if (values.length > 0)
          figures[`${process}: ${name}`] = values.reduce((sum, [, value]) => sum + Number(value), 0) / unit;
      }
    }
  }
  Object.assign(figures, await sampleDatabase(installation.postgresql.url));
  return { at: new Date().toISOString(), figures };
}

async function sampleDatabase(url: string): Promise<Record<string, number>> {
  const client = new pg.Client({ connectionString: url, application_name: 'endurance' });
  await client.connect();
  try {
    const figures: Record<string, number> = {};
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname in ('auth', 'api') order by 1`,
    );
    for (const { name } of tables) {
      const { rows } = await client.query<{ count: string }>(`select count(*) from ${name}`);
      figures[`rows: ${name}`] = Number(rows[0]?.count);
    }
    const { rows } = await client.query<{ connections: string; bytes: string }>(
      `select pg_database_size(current_database()) as bytes,
         (select count(*) from pg_stat_activity where datname = current_database()) as connections`,
    );
    figures['PostgreSQL: connections'] = Number(rows[0]?.connections) - 1;
    figures['PostgreSQL: database, MB'] = Number(rows[0]?.bytes) / 1_000_000;
    return figures;
  } finally {
    await client.end();
  }
}
