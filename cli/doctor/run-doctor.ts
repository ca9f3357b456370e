import * as z from 'zod';
import { type Environment, readEnvironment, resolveFiles } from '../../shared/configuration/environment.ts';
import { httpUrl, identifierSchema } from '../../shared/configuration/variables.ts';
import { createCautiousFetch } from './cautious-fetch.ts';
import type { Link } from './chain.ts';
import { walk } from './check-links.ts';
import type { Credentials } from './request-access-token.ts';

/** What the doctor found: a JSON value for machines, a text for people, and the exit code of the process. */
export type Diagnosis = {
  readonly json: { readonly url: string; readonly ok: boolean; readonly links: readonly Link[] };
  readonly text: string;
  readonly exitCode: 0 | 1;
};

/**
 * Examines what is at `url` and everything that a client needs to get there, with the credentials in the environment
 * where there are some.
 * @throws {InvalidConfigurationError} when they are not whole.
 */
export async function runDoctor(
  url: string,
  given: Environment,
  { now = Date.now }: { now?: () => number } = {},
): Promise<Diagnosis> {
  const environment = resolveFiles(given);
  const links = await walk(url, {
    credentials: readCredentials(environment),
    secure: identifierSchema(environment),
    fetch: createCautiousFetch(),
    now,
  });
  const ok = links.every(({ outcome }) => outcome !== 'failed');
  return { json: { url, ok, links }, text: render(url, links), exitCode: ok ? 0 : 1 };
}

const Client = z.object({
  OAUTH_CLIENT_ID: z.string('the id of a client'),
  OAUTH_CLIENT_SECRET: z.string('the secret of that client'),
  OAUTH_TOKEN_URL: httpUrl.optional(),
});

function readCredentials(environment: Environment): Credentials | undefined {
  // one without the other is somebody's mistake, and is said
  const wanted = ['OAUTH_CLIENT_ID', 'OAUTH_CLIENT_SECRET'].some(
    (name) => environment[name] || environment[`${name}_FILE`],
  );
  if (!wanted) return undefined;
  const { OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET, OAUTH_TOKEN_URL } = readEnvironment(Client, environment);
  return { clientId: OAUTH_CLIENT_ID, clientSecret: OAUTH_CLIENT_SECRET, tokenUrl: OAUTH_TOKEN_URL };
}

const MARKS = { passed: '✓', warning: '!', failed: '✗', skipped: '-' } as const satisfies Record<
  Link['outcome'],
  string
>;

function render(url: string, links: readonly Link[]): string {
  const width = Math.max(...links.map(({ link }) => link.length));
  const indent = ' '.repeat(width + 4);
  const lines = links.flatMap(({ link, outcome, detail, remedy }) => [
    `${MARKS[outcome]} ${link.padEnd(width)}  ${detail}`,
    ...(remedy === undefined ? [] : [`${indent}→ ${remedy}`]),
  ]);
  return [url, '', ...lines, '', conclusion(links)].join('\n');
}

function conclusion(links: readonly Link[]): string {
  const count = (outcome: Link['outcome']) => links.filter((link) => link.outcome === outcome).length;
  const counted = (['failed', 'warning', 'skipped'] as const)
    .map((outcome) => [count(outcome), outcome] as const)
    .filter(([number]) => number > 0);
  if (counted.length === 0) return 'Every link holds.';
  return `${count('passed')} of ${links.length} links hold: ${counted.map(([number, outcome]) => `${number} ${outcome}`).join(', ')}.`;
}
