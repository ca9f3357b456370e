import { readFileSync } from 'node:fs';
import type * as z from 'zod';

/** The variables of a process, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables that `schema` names. Any of them may come from a file that `NAME_FILE` names; an empty one counts
 * as absent, as compose passes it.
 * @throws {InvalidConfiguration} with a line for each variable that is wrong.
 */
export function readEnvironment<Schema extends z.ZodObject>(schema: Schema, environment: Environment): z.infer<Schema> {
  const problems = new Map<string, string>();
  const values: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = environment[name];
    const file = environment[`${name}_FILE`];
    if (value && file) problems.set(name, `set ${name} or ${name}_FILE, not both`);
    else if (value) values[name] = value;
    else if (file) {
      try {
        values[name] = readFileSync(file, 'utf8').trim();
      } catch {
        problems.set(name, `expected ${name}_FILE to name a readable file, not ${file}`);
      }
    }
  }
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const name = issue.path.join('.');
    // what was expected, never the value: it may be a secret
    if (!problems.has(name))
      problems.set(name, `expected ${issue.message}${values[name] ? '' : ', and it is not set'}`);
  }
  if (!parsed.success || problems.size > 0) throw new InvalidConfiguration(problems);
  return parsed.data;
}

/** The environment is not one to start with. The message names every variable that is wrong and what was expected. */
export class InvalidConfiguration extends Error {
  override readonly name = 'InvalidConfiguration';

  constructor(problems: ReadonlyMap<string, string>) {
    super(
      ['The environment is not valid:', ...[...problems].map(([name, problem]) => `  ${name}: ${problem}`)].join('\n'),
    );
  }
}
