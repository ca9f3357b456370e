/**
 * Checks the imports of the project, or of the folder that is given, against `import-rules.ts`:
 *
 *   node scripts/check-imports.ts [FOLDER]
 */
import { findForbiddenImports } from './find-forbidden-imports.ts';
import { IMPORT_RULES } from './import-rules.ts';

const problems = findForbiddenImports(process.argv[2] ?? '.', IMPORT_RULES);
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;
