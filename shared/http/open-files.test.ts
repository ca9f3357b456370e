import { expect, test } from 'vitest';
import { countAllowedConnections } from './open-files.ts';

const limits = (files: string) =>
  `Max processes             95980                95980                processes
Max open files            ${files.padEnd(20)} 1048576              files
`;

test('clients may have all open files but 1,000', () => {
  expect(countAllowedConnections(1, limits('20000'))).toBe(19_000);
});

test('clients may have half of the open files when there are few', () => {
  expect(countAllowedConnections(1, limits('1024'))).toBe(512);
});

test('the servers of a process share its open files', () => {
  expect(countAllowedConnections(3, limits('20000'))).toBe(6_333);
  expect(countAllowedConnections(3, limits('1024'))).toBe(170);
});

test.each([
  ['there is no limit', limits('unlimited')],
  ['the system does not say its limit', ''],
])('clients may have any number of connections when %s', (_, text) => {
  expect(countAllowedConnections(1, text)).toBe(Number.POSITIVE_INFINITY);
});
