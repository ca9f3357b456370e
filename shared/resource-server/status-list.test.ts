import { StatusList as Oracle } from '@sd-jwt/jwt-status-list';
import { expect, test } from 'vitest';
import { StatusList } from './status-list.ts';

test('encodes the test vector of the draft, one bit per token (§4.1, §10.1)', () => {
  // status[0] = 1, [1] = 0, [2] = 0, [3] = 1, [4] = 1, [5] = 1, [6] = 0, [7] = 1, [8] = 1, [9] = 1, [10] = 0, [11] = 0, [12] = 0, [13] = 1, [14] = 0, [15] = 1
  const statuses = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
  const list = new StatusList(new Uint8Array([0xb9, 0xa3]));
  expect(statuses.map((_, index) => Number(list.isInvalid(index)))).toEqual(statuses);
  const published = StatusList.decode({ bits: 1, lst: 'eNrbuRgAAhcBXQ' });
  expect(statuses.map((_, index) => Number(published.isInvalid(index)))).toEqual(statuses);
});

test('lists are compatible with an independent implementation in both directions', () => {
  const bytes = new Uint8Array(1024);
  const list = new StatusList(bytes);
  const expected = new Array<number>(list.size).fill(0);
  for (const [start, length] of [
    [0, 1],
    [7, 3],
    [64, 64],
    [1001, 17],
    [8191, 1],
  ] as const) {
    list.invalidate(start, length);
    expected.fill(1, start, start + length);
  }
  const { lst } = list.encode();
  const oracle = Oracle.decompressStatusList(lst, 1);
  expect(expected.map((_, index) => oracle.getStatus(index))).toEqual(expected);
  const back = StatusList.decode({ bits: 1, lst: new Oracle(expected, 1).compressStatusList() });
  expect(expected.map((_, index) => Number(back.isInvalid(index)))).toEqual(expected);
});

test('an index or range outside the list is rejected', () => {
  const list = new StatusList(new Uint8Array(2));
  expect(() => list.isInvalid(16)).toThrow(RangeError);
  expect(() => list.isInvalid(2 ** 33)).toThrow(RangeError);
  expect(() => list.invalidate(15, 2)).toThrow(RangeError);
  expect(() => list.invalidate(-1, 1)).toThrow(RangeError);
});

test('merging an older copy undoes no revocation', () => {
  const [newer, older] = [new StatusList(new Uint8Array(2)), new StatusList(new Uint8Array(2))];
  newer.invalidate(3, 1);
  older.invalidate(9, 1);
  newer.merge(older);
  expect([3, 9, 4].map((index) => newer.isInvalid(index))).toEqual([true, true, false]);
});

test.each([{}, { bits: 2, lst: 'eNrbuRgAAhcBXQ' }, { bits: 1, lst: 'not zlib' }, { bits: 1 }])(
  '%j is not a status list',
  (encoded) => {
    expect(() => StatusList.decode(encoded)).toThrow();
  },
);

test('a list that is too large after decompression is rejected', () => {
  const bomb = new StatusList(new Uint8Array(2_000_000)).encode();
  expect(bomb.lst.length).toBeLessThan(5_000);
  expect(() => StatusList.decode(bomb)).toThrow();
});
