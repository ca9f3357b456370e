import { readFileSync } from 'node:fs';
import type * as z from 'zod';

/** The variables of a process, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replaces each `NAME_FILE` by `NAME` with the content of that file, removes the variables of Kubernetes Services, and trims
 * every value, because a value that was piped or pasted often ends with a line break. Every
 * configuration is read from a resolved environment, so that no default depends on how a variable was given. A file that
 * cannot be read stays as `NAME_FILE`; `readEnvironment` reports it.
 */
export function resolveEnvironment(environment: Environment): Environment {
  const given = Object.entries(environment)
    .map(([name, value]) => [name, value?.trim()] as const)
    .filter((variable) => !isServiceVariable(variable));
  const resolved: Record<string, string | undefined> = Object.fromEntries(given);
  for (const [variable, file] of given) {
    const name = /^(.+)_FILE$/.exec(variable)?.[1];
    if (name === undefined || !file || resolved[name]) continue;
    try {
      resolved[name] = readFileSync(file, 'utf8').trim();
      delete resolved[variable];
    } catch {
      // the variable may belong to another program
    }
  }
  return resolved;
}

/**
 * Whether Kubernetes has set a variable. For a Service with the name `auth`, every container of its namespace gets
 * `AUTH_PORT=tcp://10.96.12.7:3000`.
 */
function isServiceVariable([name, value]: readonly [string, string | undefined]): boolean {
  return name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value ?? '');
}

/**
 * Reads the variables of `schema` from a resolved environment. An empty value counts as absent, because compose passes
 * unset variables as empty ones.
 * @throws {InvalidConfigurationError} with a line for each invalid variable.
 */
export function readEnvironment<Schema extends z.ZodObject>(schema: Schema, environment: Environment): z.infer<Schema> {
  const problems = new Map<string, string>();
  const values: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = environment[name];
    const file = environment[`${name}_FILE`];
    if (value && file) problems.set(name, `set ${name} or ${name}_FILE, not both`);
    else if (value && PLACEHOLDER.test(value))
      problems.set(
        name,
        'expected a value, not a placeholder. Set the variable that it names where this process is started',
      );
    else if (value) values[name] = value;
    else if (file) problems.set(name, `expected ${name}_FILE to name a readable file, not ${file}`);
  }
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const name = issue.path.join('.');
    // names what is expected and never the value, which may be a secret
    if (!problems.has(name))
      problems.set(name, `expected ${issue.message}${values[name] ? '' : ', but it is not set'}`);
  }
  if (!parsed.success || problems.size > 0) throw new InvalidConfigurationError(problems);
  return parsed.data;
}

/** A variable as hosts, shells and templates write it: `${NAME}`, `${env:NAME}`, `%NAME%`, `{{NAME}}`. */
const PLACEHOLDER = /^(\$?\{[\w:.{} -]*\}|%\w+%)$/;

/** The configuration is not valid. The message names every invalid variable and what is expected. */
export class InvalidConfigurationError extends Error {
  override readonly name = 'InvalidConfigurationError';
  readonly problems: ReadonlyMap<string, string>;

  constructor(problems: ReadonlyMap<string, string>) {
    super(
      ['The configuration is not valid:', ...[...problems].map(([name, problem]) => `  ${name}: ${problem}`)].join(
        '\n',
      ),
    );
    this.problems = problems;
  }
}

/** Reads several configurations and reports the problems of all at once. @throws {InvalidConfigurationError} */
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
