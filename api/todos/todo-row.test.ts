import { expect, test } from 'vitest';
import { startApi } from '../testing/start-api.ts';

/** Settings of a database, each of which can change how PostgreSQL writes or reads a value. */
const SETTINGS: readonly Record<string, string>[] = [
  { timezone: 'Europe/Berlin' },
  { timezone: 'America/New_York' },
  { timezone: 'Asia/Kolkata' },
  { DateStyle: 'German, DMY', IntervalStyle: 'sql_standard' },
  { bytea_output: 'escape', extra_float_digits: '-10', standard_conforming_strings: 'off', array_nulls: 'off' },
  { transform_null_equals: 'on', default_transaction_isolation: 'serializable', client_encoding: 'LATIN1' },
];

// the embedded database has its own settings only
test.skipIf(process.env.TEST_DATABASE_URL === undefined).each(SETTINGS)(
  'a todo is returned as it was sent when the database has %o',
  async (settings) => {
    await using before = await startApi();
    const [database] = await before.em.fork().execute<{ name: string }[]>('select current_database() as name');
    for (const [name, value] of Object.entries(settings))
      await before.em.fork().execute(`alter database ${database?.name} set ${name} = '${value}'`);
    await using api = await startApi({ sharedWith: before });
    const call = await api.createCaller();
    const others = { title: "C:\\' \\n 東京", tags: ['null', 'a\\b'], position: 0.1 + 0.2 };
    const times = ['0001-01-01T00:00:00.000Z', '0050-06-01T12:00:00.001Z', '1850-01-01T00:00:00.000Z'];
    for (const due_at of [...times, '2027-07-31T09:00:00.500Z', '9999-12-31T23:59:59.999Z']) {
      const { status, headers, body } = await call('POST', '/api/v1/todos', { ...others, due_at });
      expect({ status, body }).toMatchObject({ status: 201, body: { ...others, due_at } });
      const path = new URL(headers.get('location') ?? '').pathname;
      expect((await call('GET', path)).body).toEqual(body);
    }
    expect((await call('GET', '/api/v1/todos/changes?since=0')).status).toBe(200);
  },
);
