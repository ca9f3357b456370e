import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENVIRONMENT, importsOf, listSourceFiles } from './imports.ts';

/** The module by which tests open a database. */
const OPENS_DATABASE = 'shared/testing/test-database.ts';

/**
 * Lists the tests below the folder `root` whose result can depend on the database: those that import the module which opens
 * one, themselves or through other modules, and those that read the environment.
 */
export function findDatabaseTests(root: string): string[] {
  const files = listSourceFiles(root);
  const imports = new Map(files.map((file) => [file, targetsOf(root, file)]));
  return files.filter((file) => {
    if (!file.endsWith('.test.ts')) return false;
    return imports.get(file)?.includes(ENVIRONMENT) || importedBy(file, imports).has(OPENS_DATABASE);
  });
}

/** Returns the files that `file` imports, and those that they import, and so on. */
function importedBy(file: string, imports: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set([file]);
  // a set also iterates over what is added meanwhile
  for (const importer of found) for (const target of imports.get(importer) ?? []) found.add(target);
  return found;
}

function targetsOf(root: string, file: string): readonly string[] {
  return importsOf(file, readFileSync(join(root, file), 'utf8')).map(({ target }) => target);
}
