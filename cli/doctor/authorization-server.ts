import * as z from 'zod';
import type { Answer, Ask } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';
import { parseDocument } from './documents.ts';
import { difference, sanitize } from './sanitize.ts';

const names = z.array(z.string('a string'), 'a list of strings').optional();

/** What the authorization server metadata tell a client (RFC 8414 §2). */
export const AuthorizationServerMetadata = z.object({
  issuer: z.string('a string'),
  token_endpoint: z.string('a string').optional(),
  jwks_uri: z.string('a string').optional(),
  grant_types_supported: names,
  code_challenge_methods_supported: names,
  token_endpoint_auth_methods_supported: names,
  status_list_aggregation_endpoint: z.string('a string').optional(),
});

/** An authorization server as a client gets to know it. */
export type AuthorizationServer = {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  readonly authenticationMethods: readonly string[];
  /** The answer with its metadata. */
  readonly answer: Answer;
};

/** Gets the authorization server metadata of `issuer`. @param secure the schema of an address that a secret may be sent to. */
export async function getAuthorizationServer(
  issuer: string,
  { ask, secure }: { ask: Ask; secure: z.ZodType<string> },
): Promise<Finding<AuthorizationServer>> {
  const answer = await findMetadata(issuer, ask);
  const { url } = answer;
  const metadata = parseDocument(answer, {
    schema: AuthorizationServerMetadata,
    remedy: 'Serve the authorization server metadata there (RFC 8414 §3).',
  });
  if (metadata.issuer !== issuer)
    throw new BrokenLinkError(
      `${sanitize(url)} names the issuer ${sanitize(metadata.issuer)}, not ${sanitize(issuer)}${difference(metadata.issuer, issuer)}`,
      'Make the issuer the same to the letter in both metadata (RFC 8414 §3.3): AUTH_ISSUER of every service.',
    );
  const tokenEndpoint = requireAddress('token_endpoint', metadata.token_endpoint, secure);
  const jwksUri = requireAddress('jwks_uri', metadata.jwks_uri, secure);
  // what RFC 8414 §2 says where nothing is said
  const grants = metadata.grant_types_supported ?? ['authorization_code', 'implicit'];
  const authenticationMethods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const challengeMethods = metadata.code_challenge_methods_supported ?? [];
  const found = { issuer, tokenEndpoint, jwksUri, authenticationMethods, answer };
  const detail = [
    sanitize(url),
    sanitize(`clients authenticate by ${authenticationMethods.join(', ')}`),
    sanitize(`PKCE ${challengeMethods.join(', ') || 'none'}`),
    metadata.status_list_aggregation_endpoint === undefined ? 'no status lists' : 'revocations by status lists',
  ].join('; ');
  if (grants.includes('authorization_code') && !challengeMethods.includes('S256'))
    return {
      found,
      detail,
      warning: 'MCP clients that send a person to a browser refuse it: name S256 in code_challenge_methods_supported.',
    };
  return { found, detail };
}

/** The places where clients look, in their order (RFC 8414 §3.1, §5). */
export function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const inserted = ['oauth-authorization-server', 'openid-configuration'].map(
    (name) => `${origin}/.well-known/${name}${path}`,
  );
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/openid-configuration`];
}

async function findMetadata(issuer: string, ask: Ask): Promise<Answer> {
  const urls = metadataUrls(issuer);
  const answers: Answer[] = [];
  for (const url of urls) {
    const answer = await ask(url, { headers: { accept: 'application/json' } });
    if (answer.status < 400 || answer.status >= 500) return answer;
    answers.push(answer);
  }
  throw new BrokenLinkError(
    answers.map(({ url, status }) => `${sanitize(url)} answers ${status}`).join(', '),
    'Serve the authorization server metadata at the first of them (RFC 8414 §3), and let a proxy in front pass it on.',
  );
}

function requireAddress(name: string, address: string | undefined, secure: z.ZodType<string>): string {
  if (address === undefined || !URL.canParse(address))
    throw new BrokenLinkError(
      `the authorization server metadata name ${address === undefined ? 'no' : 'no valid'} ${name}`,
      `Put ${name} into the authorization server metadata.`,
    );
  if (!secure.safeParse(new URL(address).origin).success)
    throw new BrokenLinkError(
      `${name} is ${sanitize(address)}: neither https nor this machine`,
      `Serve ${name} over https, as the issuer (AUTH_ISSUER; behind a proxy the addresses come from it).`,
    );
  return address;
}
