import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { isCheckout, listRepositoryFiles } from '../support/list-repository-files.ts';

beforeEach(({ skip }) => {
  if (!isCheckout()) skipOutsideCi(skip, 'The folder is not a git checkout.');
});

test('vitest runs every test file of the repository', () => {
  const tests = listRepositoryFiles('*.test.ts');
  const listed: { file: string }[] = JSON.parse(
    run('node_modules/vitest/vitest.mjs', ['list', '--filesOnly', '--json']),
  );
  expect(tests).toContain('test/repository/collected-files.test.ts');
  expect(listed.map(({ file }) => relative('.', file)).sort()).toEqual(tests);
});

test('the type checker reads every TypeScript file of the repository', () => {
  const listed = run('node_modules/typescript/bin/tsc', ['--listFilesOnly'])
    .split('\n')
    .map((file) => relative('.', file))
    .filter((file) => file.endsWith('.ts') && !file.startsWith('node_modules/'));
  expect(listed.sort()).toEqual(listRepositoryFiles('*.ts'));
});

test('knip looks for unused code in every TypeScript file', () => {
  expect(JSON.parse(readFileSync('knip.json', 'utf8')).project).toEqual(['**/*.ts']);
});

function run(script: string, args: readonly string[]): string {
  return execFileSync(process.execPath, [script, ...args], { encoding: 'utf8' });
}
