import type * as z from 'zod';
import { metadataUrl } from '../../shared/resource-server/protected-resource-metadata.ts';
import { getAuthorizationServer } from './authorization-server.ts';
import { createAsk } from './cautious-fetch.ts';
import { createChain, type Link } from './chain.ts';
import { examineChallenge } from './challenge.ts';
import { examineClocks, readClock } from './clocks.ts';
import { examineBrowserAccess } from './documents.ts';
import { findResource, requireGuarded } from './identify-resource.ts';
import { examineClaims, readIssuedAt, verifySignature } from './inspect-access-token.ts';
import { getKeys } from './jwks.ts';
import { type Credentials, requestToken } from './request-access-token.ts';
import { examineRoot, examineWellKnown, getResourceMetadata } from './resource-metadata.ts';
import { examineGet, initialize, listTodos, listTools } from './resource-requests.ts';

/**
 * Walks from a URL to what is behind it, as a client does that knows nothing else, and says of every link whether it
 * holds. The secret and the access token go no further than a link that does not.
 * @param secure the schema of an address that a secret may be sent to.
 */
export async function walk(
  url: string,
  {
    credentials,
    secure,
    fetch,
    now,
  }: {
    credentials: Credentials | undefined;
    secure: z.ZodType<string>;
    fetch: typeof globalThis.fetch;
    now: () => number;
  },
): Promise<readonly Link[]> {
  const { links, follow, conceal } = createChain();
  if (credentials !== undefined) conceal(credentials.clientSecret);
  const ask = createAsk(fetch, now);
  const options = { ask, secure };

  const resource = await follow('resource', () => findResource(url, options));
  const guarded = () => requireGuarded(resource.get());

  const challenge = await follow('challenge', () => examineChallenge(guarded().answer));
  const announced = await follow('metadata-from-challenge', () =>
    getResourceMetadata(challenge.get().resourceMetadata, url, options),
  );
  const wellKnown = await follow('metadata-at-path', () => {
    guarded();
    return examineWellKnown(metadataUrl(url), announced.holds ? announced.get() : undefined, url, options);
  });
  await follow('metadata-at-root', () => {
    guarded();
    return examineRoot(url, ask);
  });
  // a client falls back to the well-known place when it is told of no other
  const metadata = challenge.holds ? announced : wellKnown;

  const server = await follow('authorization-server', () => {
    const found = resource.get();
    const issuer = found.kind === 'authorization server' ? found.issuer : metadata.get().authorizationServer;
    return getAuthorizationServer(issuer, options);
  });
  const keys = await follow('keys', () => getKeys(server.get().jwksUri, ask));
  await follow('browser-access', () => {
    const documents = metadata.holds || !server.holds ? [metadata.get().url] : [];
    if (server.holds) documents.push(server.get().answer.url);
    return examineBrowserAccess(documents, ask);
  });

  const token = await follow('access-token', async () => {
    guarded();
    const finding = await requestToken(metadata.get().resource, server.get(), { credentials, fetch, now });
    const { value } = finding.found;
    for (const part of [value, ...value.split('.')]) conceal(part);
    return finding;
  });
  await follow('clocks', () => {
    const found = resource.get();
    const issued = token.holds ? token.get() : undefined;
    return examineClocks({
      resourceServer: 'answer' in found ? readClock('the resource server', found.answer) : undefined,
      authorizationServer:
        issued?.clock ?? (server.holds ? readClock('the authorization server', server.get().answer) : undefined),
      issuedAt: issued && readIssuedAt(issued),
    });
  });
  const claims = await follow('claims', () =>
    examineClaims(token.get(), {
      issuer: server.get().issuer,
      resource: metadata.get().resource,
      keys: keys.get(),
    }),
  );
  const signature = await follow('signature', () => verifySignature(token.get().value, keys.get()));
  const accessToken = () => {
    // one for somebody else is not shown to this resource
    claims.get();
    signature.get();
    return token.get().value;
  };

  const kind = resource.holds ? resource.get().kind : undefined;
  if (kind === 'API') await follow('todos', () => listTodos(url, accessToken(), ask));
  if (kind !== 'MCP endpoint') return links;
  const session = await follow('initialize', () => initialize(url, accessToken(), fetch));
  await follow('tools-list', () => listTools(session.get()));
  await follow('get', () => examineGet(url, session.get(), ask));
  if (session.holds) await session.get()[Symbol.asyncDispose]();
  return links;
}
