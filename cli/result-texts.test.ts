import { expect, test } from 'vitest';
import { auditLine } from './result-texts.ts';

const event = {
  id: 1,
  at: '2026-11-25T00:00:00.000Z',
  actor: null,
  action: 'client.authenticate',
  target: null,
  address: '203.0.113.1',
  request_id: 'one',
  outcome: 'refused',
  detail: {},
} as const;

test.each([
  ['demo', 'demo'],
  ['\u001b[2Jadmin\r\n', '"\\u001b[2Jadmin\\r\\n"'],
  ['\u009b2J\u202e\u2028\u{e0041}', '"\\u009b2J\\u202e\\u2028\\udb40\\udc41"'],
  ['admin@10.0.0.1  client.disable  demo  -  {}', '"admin@10.0.0.1  client.disable  demo  -  {}"'],
  ['admin@10.0.0.1', '"admin@10.0.0.1"'],
  ['"admin"', '"\\"admin\\""'],
  ['-', '"-"'],
  ['', '""'],
  ['Zoë', '"Zoë"'],
])('the name %j that a caller claims is shown as one value: %s', (actor, shown) => {
  expect(auditLine({ ...event, actor })).toBe(
    `1  2026-11-25T00:00:00.000Z  refused  ${shown}@203.0.113.1  client.authenticate  -  one  {}`,
  );
});

test('the details of an event stay JSON', () => {
  expect(auditLine({ ...event, detail: { reason: '\u009b\n\u2028' } })).toMatch(
    / {2}\{"reason":"\\u009b\\n\\u2028"\}$/,
  );
});

test('an event without an actor has a dash', () => {
  expect(auditLine(event)).toContain('  -@203.0.113.1  ');
});
