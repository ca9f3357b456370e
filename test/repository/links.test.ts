import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { isCheckout, listRepositoryFiles } from '../support/list-repository-files.ts';

beforeEach(({ skip }) => {
  if (!isCheckout()) skipOutsideCi(skip, 'The folder is not a git checkout.');
});

test('every relative link of the documentation leads to a file or a folder', () => {
  const broken = listRepositoryFiles('*.md').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\]\(([^()\s]+)\)/g)]
      .map(([, target = '']) => target.split('#')[0] ?? '')
      .filter((target) => target !== '' && !/^[a-z]+:/.test(target) && !existsSync(join(dirname(file), target)))
      .map((target) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});
