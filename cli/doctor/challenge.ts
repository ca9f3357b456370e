import { sanitize } from '../sanitize.ts';
import type { TextResponse } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';

/** Checks the response to a request without an access token (RFC 6750 §3); returns the URL of the metadata (RFC 9728 §5.1). */
export function checkChallenge({ status, headers }: TextResponse): Finding<string> {
  if (status !== 401)
    throw new BrokenLinkError(
      `a request without an access token is answered with ${status} instead of 401`,
      'Check the access token before everything else, also before initialize. Clients request an access token when they get a 401.',
    );
  const header = headers.get('www-authenticate');
  if (header === null)
    throw new BrokenLinkError(
      'the 401 response has no WWW-Authenticate header',
      'Send WWW-Authenticate: Bearer resource_metadata="…", scope="…". Check that no proxy removes the header.',
    );
  const challenges = parseChallenges(header);
  const [first] = challenges;
  const later = challenges.some(({ scheme }) => scheme === 'bearer') ? '; Bearer comes later' : '';
  if (first?.scheme !== 'bearer')
    throw new BrokenLinkError(
      `the first scheme of WWW-Authenticate is ${sanitize(first?.scheme ?? 'missing')}, not Bearer${later}`,
      'Put Bearer first. Some clients read the first scheme only.',
    );
  const metadataUrl = first.parameters.get('resource_metadata');
  if (metadataUrl === undefined || !URL.canParse(metadataUrl))
    throw new BrokenLinkError(
      metadataUrl === undefined
        ? 'the challenge has no resource_metadata'
        : 'the resource_metadata of the challenge is not a URL',
      'Put the URL of the protected resource metadata into the challenge: resource_metadata="https://…" (RFC 9728 §5.1).',
    );
  const scope = first.parameters.get('scope');
  return scope
    ? { value: metadataUrl, detail: `401 with a Bearer challenge for ${sanitize(scope)}` }
    : {
        value: metadataUrl,
        detail: '401 with a Bearer challenge without scope',
        warning: 'Put the scopes that a client should request into the challenge: scope="…".',
      };
}

type ParsedChallenge = { readonly scheme: string; readonly parameters: ReadonlyMap<string, string> };

/** A parameter with a quoted or an unquoted value, or a scheme (RFC 9110 §11.6.1). */
const PART =
  /[\s,]*(?:([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|([\w!#$%&'*+.^`|~-]+)(?=[\s,]|$))/gy;

/** Parses a WWW-Authenticate header. fetch joins several headers with commas. */
export function parseChallenges(header: string): ParsedChallenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  for (const [, name, quoted, bare, scheme] of header.matchAll(PART)) {
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    else if (name !== undefined)
      challenges.at(-1)?.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '');
  }
  return challenges;
}
