import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, test, vi } from 'vitest';
import { connectOrm, openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { authDatabase } from '../database/definition.ts';
import { type AuditEvent, BY_ITSELF, listAuditEvents } from './audit.ts';
import { openAuditQueue } from './audit-queue.ts';

const event = (action: string, changes: Partial<AuditEvent> = {}): AuditEvent => ({
  ...BY_ITSELF,
  action,
  target: null,
  outcome: 'refused',
  ...changes,
});

async function open(limits: { maxQueued?: number; maxFailedAuthentications?: number } = {}) {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  const { em } = opening.use(await openOrm(database, authDatabase));
  const observed = observe();
  const queue = openAuditQueue({ em, ...observed, ...limits });
  const opened = opening.move();
  const stored = async () => (await listAuditEvents(em, { limit: 2_000 })).toReversed();
  return { em, queue, stored, ...observed, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function observe() {
  const lines: { event: string; count?: number }[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const registry = new Registry();
  const counts = async () => {
    const values = await registry.getMetricsAsJSON();
    return Object.fromEntries(values.map(({ name, values: [first] }) => [name, first?.value]));
  };
  return { lines, logger, registry, counts };
}

const counted = (written: number, dropped: number) => ({
  audit_events_written_total: written,
  audit_events_dropped_total: dropped,
  audit_queue_events: 0,
});

test('events are stored in order, with the time at which they happened, in few statements', async () => {
  await using opened = await open();
  const { em, queue, stored } = opened;
  const fork = vi.spyOn(em, 'fork');
  const before = Date.now();
  for (let index = 0; index < 900; index += 1) queue.record(event(`event-${index}`, { detail: { index } }));
  const after = Date.now();
  await queue[Symbol.asyncDispose]();
  expect(fork.mock.calls.length).toBeLessThan(8);
  const events = await stored();
  expect(events.map(({ action, detail }) => [action, detail])).toEqual(
    Array.from({ length: 900 }, (_, index) => [`event-${index}`, { index }]),
  );
  for (const { at } of events) {
    expect(at.getTime()).toBeGreaterThanOrEqual(before);
    expect(at.getTime()).toBeLessThanOrEqual(after);
  }
  expect(await opened.counts()).toEqual(counted(900, 0));
  expect(opened.lines).toEqual([]);
});

test('events beyond the length of the queue are dropped, and their number is counted, logged and audited', async () => {
  await using opened = await open({ maxQueued: 10 });
  const { queue, stored } = opened;
  for (let index = 0; index < 50; index += 1) queue.record(event(`event-${index}`));
  await queue[Symbol.asyncDispose]();
  const events = await stored();
  expect(events.map(({ action }) => action).toSorted()).toEqual(
    ['audit.drop', ...Array.from({ length: 10 }, (_, index) => `event-${index}`)].toSorted(),
  );
  expect(events.find(({ action }) => action === 'audit.drop')).toMatchObject({
    actor: null,
    outcome: 'refused',
    detail: { count: 40 },
  });
  expect(await opened.counts()).toEqual(counted(10, 40));
  expect(opened.lines).toEqual([expect.objectContaining({ event: 'audit.events_dropped', count: 40 })]);
});

test('failed authentications fill a part of the queue only, and displace no event of a client', async () => {
  await using opened = await open({ maxQueued: 10, maxFailedAuthentications: 4 });
  const { queue, stored } = opened;
  const [failed, rejected] = [event('client.authenticate'), event('token.issue')];
  for (let index = 0; index < 50; index += 1) queue.record(failed);
  for (let index = 0; index < 7; index += 1) queue.record(rejected);
  const actions = async () => (await stored()).map(({ action }) => action);
  await expect.poll(actions).toEqual([...Array(4).fill('client.authenticate'), ...Array(6).fill('token.issue')]);
  // there is room for them again
  for (let index = 0; index < 4; index += 1) queue.record(failed);
  await queue[Symbol.asyncDispose]();
  expect(await opened.counts()).toEqual(counted(14, 47));
});

test('the queue takes events again after it was full', async () => {
  await using opened = await open({ maxQueued: 1 });
  const { queue, stored } = opened;
  queue.record(event('first'));
  queue.record(event('dropped'));
  await expect.poll(async () => (await opened.counts()).audit_events_written_total).toBe(1);
  queue.record(event('second'));
  await queue[Symbol.asyncDispose]();
  expect((await stored()).map(({ action }) => action)).toEqual(expect.arrayContaining(['first', 'second']));
  expect(await opened.counts()).toEqual(counted(2, 1));
});

test('text that PostgreSQL cannot store is replaced, and long text is cut', async () => {
  await using opened = await open();
  const { queue, stored } = opened;
  const detail = { reason: 'NUL \0, half \ud800', long: 'x'.repeat(10_000), none: null, number: 5 };
  queue.record(event('client.authenticate', { actor: 'a\0b', target: '\udc00', detail }));
  await queue[Symbol.asyncDispose]();
  expect(await stored()).toMatchObject([
    {
      actor: 'a\ufffdb',
      target: '\ufffd',
      detail: { reason: 'NUL \ufffd, half \ufffd', long: 'x'.repeat(500), none: null, number: 5 },
    },
  ]);
});

test('while the database is unavailable events are kept and written again', async () => {
  await using opened = await open();
  const { em, queue, stored } = opened;
  vi.spyOn(em, 'fork').mockImplementationOnce(() => {
    throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  });
  queue.record(event('first'));
  queue.record(event('second'));
  await expect.poll(async () => (await stored()).map(({ action }) => action)).toEqual(['first', 'second']);
  await queue[Symbol.asyncDispose]();
  expect(await opened.counts()).toEqual(counted(2, 0));
  expect(opened.lines).toEqual([expect.objectContaining({ event: 'audit.store_failed', queued: 2 })]);
});

test('events that the database rejects are dropped and counted, and the others are stored', async () => {
  await using opened = await open();
  const { em, queue, stored } = opened;
  await em.fork().execute("alter table auth.audit_event add constraint no_five check (action <> 'event-5')");
  for (let index = 0; index < 10; index += 1) queue.record(event(`event-${index}`));
  await queue[Symbol.asyncDispose]();
  const actions = (await stored()).map(({ action }) => action);
  expect(actions).toHaveLength(10);
  expect(actions).not.toContain('event-5');
  expect(actions.at(-1)).toBe('audit.drop');
  expect(await opened.counts()).toEqual(counted(9, 1));
  expect(opened.lines.map(({ event: name }) => name)).toEqual(['audit.events_rejected', 'audit.events_dropped']);
});

test('a queue that cannot be written at the end of the process counts its events as dropped', async () => {
  const observed = observe();
  const database = { kind: 'postgresql', url: 'postgresql://unknown@127.0.0.1:1/nothing' } as const;
  await using orm = await connectOrm(database, authDatabase);
  const queue = openAuditQueue({ em: orm.em, ...observed });
  for (let index = 0; index < 5; index += 1) queue.record(event(`event-${index}`));
  await queue[Symbol.asyncDispose]();
  expect(await observed.counts()).toEqual(counted(0, 5));
  expect(observed.lines.at(-1)).toMatchObject({ event: 'audit.events_dropped', count: 5 });
});
