import { type Environment, resolveEnvironment } from '../../shared/configuration/environment.ts';
import { identifierSchema } from '../../shared/configuration/variables.ts';
import { findClientCredentials } from '../client-credentials.ts';
import { createCautiousFetch } from './cautious-fetch.ts';
import type { Link } from './chain.ts';
import { checkLinks } from './check-links.ts';

/** The result of the doctor: a JSON value for programs, a text for people, and the exit code of the process. */
export type Diagnosis = {
  readonly json: { readonly url: string; readonly ok: boolean; readonly links: readonly Link[] };
  readonly text: string;
  readonly exitCode: 0 | 1;
};

/**
 * Checks what a client needs to use the resource at `url`, with the client credentials in the environment if there are
 * any.
 * @throws {InvalidConfigurationError} when the credentials are incomplete.
 */
export async function runDoctor(
  url: string,
  given: Environment,
  { now = Date.now }: { now?: () => number } = {},
): Promise<Diagnosis> {
  const environment = resolveEnvironment(given);
  const links = await checkLinks(url, {
    credentials: findClientCredentials(environment),
    secureUrl: identifierSchema(environment),
    fetch: createCautiousFetch(),
    now,
  });
  const ok = links.every(({ outcome }) => outcome !== 'failed');
  return { json: { url, ok, links }, text: render(url, links), exitCode: ok ? 0 : 1 };
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
  return [url, '', ...lines, '', summary(links)].join('\n');
}

function summary(links: readonly Link[]): string {
  const count = (outcome: Link['outcome']) => links.filter((link) => link.outcome === outcome).length;
  const counted = (['failed', 'warning', 'skipped'] as const)
    .map((outcome) => [count(outcome), outcome] as const)
    .filter(([number]) => number > 0);
  if (counted.length === 0) return 'Every link is in order.';
  return `${count('passed')} of ${links.length} links are in order: ${counted.map(([number, outcome]) => `${number} ${outcome === 'warning' && number > 1 ? 'warnings' : outcome}`).join(', ')}.`;
}
