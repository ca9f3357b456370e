import type { Answer } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';
import { sanitize } from './sanitize.ts';

/** What the challenge tells a client: where the resource's metadata is (RFC 9728 §5.1). */
export type Challenge = { readonly resourceMetadata: string };

/** Examines the answer to a request without an access token (RFC 6750 §3). */
export function examineChallenge({ status, headers }: Answer): Finding<Challenge> {
  if (status !== 401)
    throw new BrokenLinkError(
      `it answers ${status} to a request without an access token, instead of 401`,
      'Put the guard before everything else, before initialize too: a client asks for an access token when it gets a 401.',
    );
  const header = headers.get('www-authenticate');
  if (header === null)
    throw new BrokenLinkError(
      'the 401 has no WWW-Authenticate header',
      'Answer with WWW-Authenticate: Bearer resource_metadata="…", scope="…", and let no proxy drop it.',
    );
  const challenges = parseChallenges(header);
  const [first] = challenges;
  const later = challenges.some(({ scheme }) => scheme === 'bearer') ? ', and Bearer comes later' : '';
  if (first?.scheme !== 'bearer')
    throw new BrokenLinkError(
      `the first scheme of WWW-Authenticate is ${sanitize(first?.scheme ?? 'none')}${later}`,
      'Name Bearer first: clients look no further than the first scheme.',
    );
  const resourceMetadata = first.parameters.get('resource_metadata');
  if (resourceMetadata === undefined || !URL.canParse(resourceMetadata))
    throw new BrokenLinkError(
      `the challenge names ${resourceMetadata === undefined ? 'no resource_metadata' : 'a resource_metadata that is no URL'}`,
      'Put the URL of the protected resource metadata into it: resource_metadata="https://…" (RFC 9728 §5.1).',
    );
  const scope = first.parameters.get('scope');
  const found = { resourceMetadata };
  return scope
    ? { found, detail: `401, Bearer, for ${sanitize(scope)}` }
    : { found, detail: '401, Bearer, without a scope', warning: 'Name the scopes to ask for: scope="…".' };
}

type ParsedChallenge = { readonly scheme: string; readonly parameters: ReadonlyMap<string, string> };

/** A parameter with a quoted or a bare value, or a scheme (RFC 9110 §11.6.1). */
const PART =
  /[\s,]*(?:([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|([\w!#$%&'*+.^`|~-]+)(?=[\s,]|$))/gy;

/** Reads a WWW-Authenticate header, several of which fetch joins with commas. */
export function parseChallenges(header: string): ParsedChallenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  for (const [, name, quoted, bare, scheme] of header.matchAll(PART)) {
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    else if (name !== undefined)
      challenges.at(-1)?.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '');
  }
  return challenges;
}
