import { readFileSync } from 'node:fs';
import { maxHeaderSize } from 'node:http';
import { expect, test } from 'vitest';
import { DEFAULT_CONNECTION_LIMITS } from '../../shared/http/connection-limits.ts';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { isCheckout, listRepositoryFiles } from '../support/list-repository-files.ts';

const page = readFileSync('docs/limits.md', 'utf8');

/** The cells of each row of the page's tables, without the heads. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.slice(2, -2).split(' | '));

/** A number of the page, with its unit. */
const NUMBER = /^([\d,]+(?:\.\d+)?)(?: (.+))?$/;
/** The constant in the code that sets a limit. */
const CONSTANT = /^\[(\w+)\]\(\.\.\/(.+)\)$/;
/** The variable that sets a limit, with its range. */
const VARIABLE = /^`([A-Z_]+)`, ([\d,]+) to ([\d,]+)$/;

/** How many of the unit in the code one of the page's units has: times are in milliseconds there, unless a name says so. */
const FACTORS: Readonly<Record<string, number>> = { s: 1_000, MiB: 1_048_576 };

/** The rows whose limit is a constant: its name, its file, the number and the unit on the page. */
const constants = rows.flatMap((cells) => {
  const [, name = '', file = ''] = cells.flatMap((cell) => CONSTANT.exec(cell) ?? []);
  const [number, unit = ''] = findNumber(cells) ?? [];
  return number === undefined || name === '' ? [] : [{ name, file, number, unit }];
});

test('the page has a limit of each kind', () => {
  expect(constants.length).toBeGreaterThan(55);
});

test.each(constants)('$name in $file is $number $unit', ({ name, file, number, unit }) => {
  const factor = name.endsWith('_SECONDS') ? 1 : (FACTORS[unit] ?? 1);
  expect(number * factor).toBe(readConstant(file, name));
});

const variables = rows.flatMap((cells) => {
  const [, name = '', min = '', max = ''] = cells.flatMap((cell) => VARIABLE.exec(cell) ?? []);
  const [number] = findNumber(cells) ?? [];
  return name === '' ? [] : [{ name, min: parse(min), max: parse(max), number }];
});

test.each(variables)('$name is $number by default, and from $min to $max', ({ name, min, max, number }) => {
  const code = ['shared/configuration/variables.ts', 'api/config.ts'].map(readCode).join('\n');
  const [, ...range] =
    new RegExp(`\\b${name}: wholeNumber\\('.+', (\\w+), (\\w+)\\)\\.default\\((\\w+)\\)`).exec(code) ?? [];
  expect(range.map(parse)).toEqual([min, max, number]);
});

test('the page has the variables that are limits', () => {
  expect(variables.map(({ name }) => name).toSorted()).toEqual([
    'API_RATE_LIMIT',
    'HTTP_KEEP_ALIVE',
    'QUOTA_BYTES',
    'QUOTA_TODOS',
  ]);
});

test('the limits that follow from others have the right numbers', () => {
  expect(numberOf('open connections of one address')).toBe(DEFAULT_CONNECTION_LIMITS.maxConnections / 4);
  expect(numberOf('size of the header section')).toBe(maxHeaderSize);
});

test('the page has every limit of connections and of todos', () => {
  const named = new Set(constants.map(({ name }) => name));
  const ofConnections = Object.entries(DEFAULT_CONNECTION_LIMITS).filter(([, value]) => typeof value === 'number');
  const ofTodos = [...readCode('shared/todo/limits.ts').matchAll(/^export const (MAX_\w+) = [\d_]+;$/gm)];
  for (const [name] of ofConnections) expect(named.has(name) || name === 'keepAlive', name).toBe(true);
  expect(ofTodos.length).toBeGreaterThan(12);
  for (const [, name = ''] of ofTodos) expect([...named]).toContain(name);
});

test('the points of requests are those of the code', () => {
  const bytes = `${constantOfPoints('BYTES_PER_POINT') / 1_000} kB`;
  const rejected = constantOfPoints('request') + constantOfPoints('rejectedBody');
  expect(Object.fromEntries(rows.slice(rows.findIndex(([name]) => name === 'any request')))).toMatchObject({
    'any request': `${constantOfPoints('request')}`,
    [`a body of more than ${bytes}`]: `1 for each ${bytes}`,
    'a batch': `${constantOfPoints('operation')} for each operation, or for each ${bytes} if that is more`,
    'an import': `1 for each ${constantOfPoints('LINES_PER_POINT')} todos, or for each ${bytes} if that is more`,
    '`Prefer: wait`': `${constantOfPoints('request') + constantOfPoints('wait')}`,
    'a body that is rejected': `${rejected}, and 1 for each ${bytes} after the first`,
  });
});

test('the sums of the connections to PostgreSQL are those of the table', ({ skip }) => {
  if (!isCheckout()) skipOutsideCi(skip, 'The folder is not a git checkout.');
  for (const service of ['auth', 'api']) {
    const ofService = rows.filter(([name, , number]) => name === service && NUMBER.test(number ?? ''));
    const listening = ofService.find(([, purpose]) => purpose === 'notifications (LISTEN)');
    expect(parse(listening?.[2] ?? '')).toBe(countSubscriptions(service));
    const total = ofService.reduce((sum, [, , number = '']) => sum + parse(number), 0);
    expect(page).toContain(`an ${service} process ${service === 'auth' ? 'opens ' : ''}up to ${total}`);
    expect(page).toContain(`${total} × ${service} processes`);
  }
});

/** The number of a row and its unit. */
function findNumber(cells: readonly string[]): [number, string] | undefined {
  const [, number, unit = ''] = cells.map((cell) => NUMBER.exec(cell)).find((match) => match !== null) ?? [];
  return number === undefined ? undefined : [parse(number), unit.split(' ')[0] ?? ''];
}

function numberOf(limit: string): number | undefined {
  return findNumber(rows.find(([name]) => name === limit) ?? [])?.[0];
}

function parse(number: string): number {
  return Number(number.replaceAll(/[,_]/g, ''));
}

function readCode(file: string): string {
  return readFileSync(file, 'utf8').replaceAll(/^ *(\*|\/\*|\/\/).*$/gm, '');
}

/** Reads the number that a file gives a name: `NAME = 1_000`, `name: 10 * 1024` or `NAME: Type = { limit: 100 }`. */
function readConstant(file: string, name: string): number {
  const assigned = new RegExp(`\\b${name}\\b[^=:\\d\\n]*[=:][^\\d\\n]*?(\\d[\\d_]*(?: \\* \\d[\\d_]*)*)`);
  const [, product = ''] = assigned.exec(readCode(file)) ?? [];
  expect(product, `${file} has no number ${name}`).not.toBe('');
  return product.split(' * ').reduce((value, factor) => value * parse(factor), 1);
}

function constantOfPoints(name: string): number {
  return readConstant('shared/rate-limit/points.ts', name);
}

/** Counts the channels that a service listens to, each with a connection of its own. */
function countSubscriptions(service: string): number {
  return listRepositoryFiles('*.ts')
    .filter((file) => file.startsWith(`${service}/`) && !file.endsWith('.test.ts'))
    .reduce((count, file) => count + [...readFileSync(file, 'utf8').matchAll(/\bawait listen\(/g)].length, 0);
}
