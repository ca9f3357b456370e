import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import * as z from 'zod';
import { COMMAND_LINE_CLIENT_ID } from '../auth/clients/command-line-client.ts';
import { type Environment, readEnvironment, resolveEnvironment } from '../shared/configuration/environment.ts';
import { requirePrivateDirectory, requirePrivateFile } from '../shared/configuration/private-directory.ts';
import { replacePrivateFile } from '../shared/configuration/private-file.ts';
import { dataDirectory, httpUrl, identifiers } from '../shared/configuration/variables.ts';
import { createIssuer, type Issuer } from '../shared/resource-server/issuer.ts';
import { LOGIN_TEXTS } from './login-texts.ts';

/** How long a person may take in the browser: as long as auth keeps the request. */
const WAIT_MS = 600_000;

/** What `login` keeps: for which issuer and resource the refresh token is. */
const Login = z.object({ issuer: z.string(), resource: z.string(), refresh_token: z.string() });
type Login = z.infer<typeof Login>;

/** A token response with the member names of RFC 6749 §5.1. */
export type PersonToken = {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  /** Seconds. */
  readonly expires_in: number;
  readonly scope: string;
};

/**
 * Signs a person in with the authorization code flow of a native client (RFC 8252): the browser returns to a port of this
 * machine.
 * @throws when the person refuses, does not answer in time, or auth cannot be reached.
 */
export async function login(
  given: Environment,
  write: (text: string) => void,
): Promise<{ readonly account: string; readonly scope: string }> {
  const { issuer, resource, path } = readSettings(given);
  const server = await issuer.metadata();
  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
  const receiver = createServer();
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  try {
    const redirectUri = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/callback`;
    const url = new URL(String(server.authorization_endpoint));
    url.search = String(
      new URLSearchParams({
        response_type: 'code',
        client_id: COMMAND_LINE_CLIENT_ID,
        redirect_uri: redirectUri,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        resource,
        state,
      }),
    );
    write(LOGIN_TEXTS.open(url.href));
    const parameters = oauth.validateAuthResponse(server, CLIENT, await receive(receiver), state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      CLIENT,
      oauth.None(),
      parameters,
      redirectUri,
      verifier,
      { ...optionsFor(issuer), additionalParameters: { resource } },
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, CLIENT, response);
    store(path, { issuer: issuer.identifier, resource, refresh_token: String(tokens.refresh_token) });
    return { account: String(decodeJwt(tokens.access_token).sub), scope: String(tokens.scope) };
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError) throw new Error(LOGIN_TEXTS.rejected(error.error));
    throw error;
  } finally {
    receiver.closeAllConnections();
    receiver.close();
  }
}

/**
 * Requests an access token for the person who signed in at the command line; undefined when no person has, or the login is for
 * another issuer or resource.
 * @throws when the person took the access back.
 */
export async function findPersonToken(
  given: Environment,
  { resource, scope }: { readonly resource?: string; readonly scope?: string },
): Promise<PersonToken | undefined> {
  const { issuer, path } = readSettings(given);
  const found = read(path);
  if (found === undefined || found.issuer !== issuer.identifier || (resource ?? found.resource) !== found.resource)
    return undefined;
  const server = await issuer.metadata();
  try {
    const response = await oauth.refreshTokenGrantRequest(server, CLIENT, oauth.None(), found.refresh_token, {
      ...optionsFor(issuer),
      additionalParameters: { resource: found.resource, ...(scope !== undefined && { scope }) },
    });
    const tokens = await oauth.processRefreshTokenResponse(server, CLIENT, response);
    // before the access token is used: the old refresh token works for a minute only
    store(path, { ...found, refresh_token: String(tokens.refresh_token) });
    return {
      access_token: tokens.access_token,
      token_type: 'Bearer',
      expires_in: tokens.expires_in ?? 0,
      scope: String(tokens.scope),
    };
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError && error.error === 'invalid_grant')
      throw new Error(LOGIN_TEXTS.ended());
    throw error;
  }
}

/** Revokes the access, and deletes what `login` keeps. @returns whether there was any. */
export async function logout(given: Environment): Promise<boolean> {
  const { issuer, path } = readSettings(given);
  const found = read(path);
  if (found === undefined) return false;
  if (found.issuer === issuer.identifier) {
    const server = await issuer.metadata();
    const response = await oauth.revocationRequest(
      server,
      CLIENT,
      oauth.None(),
      found.refresh_token,
      optionsFor(issuer),
    );
    await oauth.processRevocationResponse(response);
  }
  rmSync(path, { force: true });
  return true;
}

const CLIENT: oauth.Client = { client_id: COMMAND_LINE_CLIENT_ID };

function optionsFor(issuer: Issuer) {
  // whether an address may be http is decided where the configuration is read
  return { [oauth.customFetch]: issuer.fetch, [oauth.allowInsecureRequests]: true };
}

function readSettings(given: Environment) {
  const environment = resolveEnvironment(given);
  const { AUTH_ISSUER, AUTH_URL, API_RESOURCE, YATA_DATA_DIR } = readEnvironment(
    z.object({ ...identifiers(environment), AUTH_URL: httpUrl.optional(), YATA_DATA_DIR: dataDirectory }),
    environment,
  );
  return {
    issuer: createIssuer({ identifier: AUTH_ISSUER, url: AUTH_URL }),
    resource: API_RESOURCE,
    path: join(YATA_DATA_DIR, 'login.json'),
  };
}

function store(path: string, login: Login): void {
  requirePrivateDirectory(join(path, '..'));
  replacePrivateFile(path, `${JSON.stringify(login)}\n`);
}

function read(path: string): Login | undefined {
  if (!existsSync(path)) return undefined;
  requirePrivateDirectory(join(path, '..'));
  requirePrivateFile(path);
  return Login.parse(JSON.parse(readFileSync(path, 'utf8')));
}

/** Waits for the browser to return. */
async function receive(receiver: ReturnType<typeof createServer>): Promise<URLSearchParams> {
  const { promise, resolve, reject } = Promise.withResolvers<URLSearchParams>();
  const timeout = setTimeout(() => reject(new Error(LOGIN_TEXTS.late())), WAIT_MS);
  receiver.on('request', (request, response) => {
    const url = new URL(request.url ?? '', 'http://127.0.0.1');
    const isResponse = url.pathname === '/callback' && (url.searchParams.has('code') || url.searchParams.has('error'));
    response.writeHead(isResponse ? 200 : 404, { 'content-type': 'text/plain', connection: 'close' });
    response.end(isResponse ? LOGIN_TEXTS.done() : LOGIN_TEXTS.notFound(), () => {
      if (isResponse) resolve(url.searchParams);
    });
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timeout);
  }
}
