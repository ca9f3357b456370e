import { readFileSync } from 'node:fs';
import type * as z from 'zod';

/** The variables of a process, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Puts what the file says that `NAME_FILE` names in the place of `NAME`. Everything that looks at an environment looks at
 * one that is resolved, so that no default and no override depends on how a variable was given. What cannot be resolved
 * stays, for `readEnvironment` to complain of.
 */
export function resolveFiles(environment: Environment): Environment {
  const resolved: Record<string, string | undefined> = { ...environment };
  for (const [variable, file] of Object.entries(environment)) {
    const name = /^(.+)_FILE$/.exec(variable)?.[1];
    if (name === undefined || !file || environment[name]) continue;
    try {
      resolved[name] = readFileSync(file, 'utf8').trim();
      delete resolved[variable];
    } catch {
      // it may be none of ours
    }
  }
  return resolved;
}

/**
 * Reads the variables that `schema` names from an environment that is resolved. An empty one counts as absent, as compose
 * passes it.
 * @throws {InvalidConfigurationError} with a line for each variable that is wrong.
 */
export function readEnvironment<Schema extends z.ZodObject>(schema: Schema, environment: Environment): z.infer<Schema> {
  const problems = new Map<string, string>();
  const values: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = environment[name];
    const file = environment[`${name}_FILE`];
    if (value && file) problems.set(name, `set ${name} or ${name}_FILE, not both`);
    else if (value) values[name] = value;
    else if (file) problems.set(name, `expected ${name}_FILE to name a readable file, not ${file}`);
  }
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const name = issue.path.join('.');
    // what was expected, never the value: it may be a secret
    if (!problems.has(name))
      problems.set(name, `expected ${issue.message}${values[name] ? '' : ', and it is not set'}`);
  }
  if (!parsed.success || problems.size > 0) throw new InvalidConfigurationError(problems);
  return parsed.data;
}

/** The environment is not one to start with. The message names every variable that is wrong and what was expected. */
export class InvalidConfigurationError extends Error {
  override readonly name = 'InvalidConfigurationError';
  readonly problems: ReadonlyMap<string, string>;

  constructor(problems: ReadonlyMap<string, string>) {
    super(
      ['The environment is not valid:', ...[...problems].map(([name, problem]) => `  ${name}: ${problem}`)].join('\n'),
    );
    this.problems = problems;
  }
}

/** Refuses with all that is wrong in several configurations at once. @throws {InvalidConfigurationError} */
export function checkTogether(reads: readonly (() => unknown)[]): void {
  const problems = new Map<string, string>();
  for (const read of reads) {
    try {
      read();
    } catch (error) {
      if (!(error instanceof InvalidConfigurationError)) throw error;
      for (const [name, problem] of error.problems) problems.set(name, problem);
    }
  }
  if (problems.size > 0) throw new InvalidConfigurationError(problems);
}
