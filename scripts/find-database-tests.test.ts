import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory } from '../shared/testing/temporary-directory.ts';
import { findDatabaseTests } from './find-database-tests.ts';

test('tests that open a database through other modules, or read the environment, are found', () => {
  using directory = makeTemporaryDirectory();
  const root = directory.path;
  const files = {
    'shared/testing/test-database.ts': 'export const openTestDatabase = 1;',
    'test/support/start-system.ts': `import '../../shared/testing/test-database.ts'; export * from './helper.ts';`,
    'test/support/helper.ts': `import type { A } from './start-system.ts'; export const helper = 1;`,
    'test/direct.test.ts': `import { openTestDatabase } from '../shared/testing/test-database.ts';`,
    'test/indirect.test.ts': `import { helper } from './support/helper.ts';`,
    'test/dynamic.test.ts': `const { helper } = await import('./support/start-system.ts');`,
    'test/environment.test.ts': `const url = process.env.TEST_DATABASE_URL;`,
    'test/none.test.ts': `import { test } from 'vitest';`,
    'test/not-a-test.ts': `import '../shared/testing/test-database.ts';`,
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }

  const found = findDatabaseTests(root);

  expect(found).toEqual([
    'test/direct.test.ts',
    'test/dynamic.test.ts',
    'test/environment.test.ts',
    'test/indirect.test.ts',
  ]);
});
