import type * as z from 'zod';
import { metadataUrl } from '../../shared/resource-server/protected-resource-metadata.ts';
import type { ClientCredentials } from '../client-credentials.ts';
import { checkAuthorizationServer } from './authorization-server.ts';
import { createFetchText } from './cautious-fetch.ts';
import { createChain, type Link } from './chain.ts';
import { checkChallenge } from './challenge.ts';
import { checkClocks, readClock } from './clocks.ts';
import { checkBrowserAccess } from './documents.ts';
import { identifyResource, requireProtected } from './identify-resource.ts';
import { checkClaims, checkSignature, readIssuedAtClock } from './inspect-access-token.ts';
import { checkKeys } from './jwks.ts';
import { requestAccessToken } from './request-access-token.ts';
import { checkResourceMetadata, checkRootMetadata, checkWellKnownMetadata } from './resource-metadata.ts';
import { checkGet, initialize, listTodos, listTools } from './resource-requests.ts';
import { checkSignIn } from './sign-in.ts';

/**
 * Checks every link from a URL to the tools or the todos behind it, in the order in which a client uses them that knows
 * only the URL. The secret and the access token are sent to no server behind a broken link.
 * @param secureUrl the zod schema that a URL must match before a secret is sent to it.
 */
export async function checkLinks(
  url: string,
  {
    credentials,
    secureUrl,
    fetch,
    now,
  }: {
    credentials: ClientCredentials | undefined;
    secureUrl: z.ZodType<string>;
    fetch: typeof globalThis.fetch;
    now: () => number;
  },
): Promise<readonly Link[]> {
  const { links, check, conceal } = createChain();
  if (credentials !== undefined) conceal(credentials.OAUTH_CLIENT_SECRET);
  const fetchText = createFetchText(fetch, now);
  const options = { fetchText, secureUrl };

  const resource = await check('resource', () => identifyResource(url, options));
  const getProtected = () => requireProtected(resource.get());

  const challenge = await check('challenge', () => checkChallenge(getProtected().response));
  const announced = await check('metadata-from-challenge', () => checkResourceMetadata(challenge.get(), url, options));
  const wellKnown = await check('metadata-at-path', () => {
    getProtected();
    return checkWellKnownMetadata(metadataUrl(url), announced.ok ? announced.get() : undefined, url, options);
  });
  await check('metadata-at-root', () => {
    getProtected();
    return checkRootMetadata(url, fetchText);
  });
  // a client uses the well-known URL when the challenge names no other
  const metadata = challenge.ok ? announced : wellKnown;

  const server = await check('authorization-server', () => {
    const identified = resource.get();
    const issuer = identified.kind === 'authorization server' ? identified.issuer : metadata.get().authorizationServer;
    return checkAuthorizationServer(issuer, options);
  });
  const keys = await check('keys', () => checkKeys(server.get().jwksUri, fetchText));
  await check('browser-access', () => {
    const documents = metadata.ok || !server.ok ? [metadata.get().url] : [];
    if (server.ok) documents.push(server.get().response.url);
    return checkBrowserAccess(documents, fetchText);
  });

  const token = await check('access-token', async () => {
    getProtected();
    const finding = await requestAccessToken(metadata.get().resource, server.get(), { credentials, fetch, now });
    const { value } = finding.value;
    for (const part of [value, ...value.split('.')]) conceal(part);
    return finding;
  });
  await check('clocks', () => {
    const identified = resource.get();
    const issued = token.ok ? token.get() : undefined;
    return checkClocks({
      resourceServer: 'response' in identified ? readClock('the resource server', identified.response) : undefined,
      authorizationServer:
        issued?.clock ?? (server.ok ? readClock('the authorization server', server.get().response) : undefined),
      issuedAt: issued && readIssuedAtClock(issued),
    });
  });
  const claims = await check('claims', () =>
    checkClaims(token.get(), {
      issuer: server.get().issuer,
      resource: metadata.get().resource,
      keys: keys.get(),
    }),
  );
  const signature = await check('signature', () => checkSignature(token.get().value, keys.get()));
  const getAccessToken = () => {
    // an access token for another audience is never sent to this resource
    claims.get();
    signature.get();
    return token.get().value;
  };

  const kind = resource.ok ? resource.get().kind : undefined;
  if (kind === 'API') await check('todos', () => listTodos(url, getAccessToken(), fetchText));
  if (kind !== 'MCP endpoint') return links;
  const session = await check('initialize', () => initialize(url, getAccessToken(), fetch));
  await check('tools-list', () => listTools(session.get()));
  await check('get', () => checkGet(url, session.get(), fetchText));
  await check('sign-in', () => checkSignIn(server.get(), fetchText));
  if (session.ok) await session.get()[Symbol.asyncDispose]();
  return links;
}
