import { expect, test } from 'vitest';
import { auditLine } from './result-texts.ts';

test('the name that a caller claims cannot control the terminal', () => {
  const line = auditLine({
    id: 1,
    at: '2026-11-25T00:00:00.000Z',
    actor: '\u001b[2Jadmin\r\n',
    action: 'client.authenticate',
    target: null,
    address: '203.0.113.1',
    request_id: 'one',
    outcome: 'refused',
    detail: { reason: '\u001b' },
  });
  expect(line).not.toMatch(/\p{Cc}/u);
  expect(line).toContain('[2Jadmin');
  expect(line).toContain('@203.0.113.1  client.authenticate');
});
