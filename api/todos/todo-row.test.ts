import { expect, test } from 'vitest';
import { startApi } from '../testing/start-api.ts';

// the embedded database has only the time zone UTC
test.skipIf(process.env.TEST_DATABASE_URL === undefined).each(['Europe/Berlin', 'America/New_York', 'Asia/Kolkata'])(
  'a time is returned as it was sent when the time zone of the database is %s',
  async (zone) => {
    await using before = await startApi();
    const [database] = await before.em.fork().execute<{ name: string }[]>('select current_database() as name');
    await before.em.fork().execute(`alter database ${database?.name} set timezone = '${zone}'`);
    await using api = await startApi({ sharedWith: before });
    const call = await api.createCaller();
    const times = ['0001-01-01T00:00:00.000Z', '0050-06-01T12:00:00.001Z', '1850-01-01T00:00:00.000Z'];
    for (const due_at of [...times, '2027-07-31T09:00:00.500Z', '9999-12-31T23:59:59.999Z']) {
      const { status, headers, body } = await call('POST', '/api/v1/todos', { title: 'a', due_at });
      expect({ status, body }).toMatchObject({ status: 201, body: { due_at } });
      const path = new URL(headers.get('location') ?? '').pathname;
      expect((await call('GET', path)).body).toEqual(body);
    }
    expect((await call('GET', '/api/v1/todos/changes?since=0')).status).toBe(200);
  },
);
