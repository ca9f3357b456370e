import type { CryptoKey, JWK } from 'jose';
import { importJWK } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openidClient from 'openid-client';
import { Issuer } from 'openid-client-5';

/** How a client authenticates at auth, with what it authenticates. The key is private. */
export type ClientAuthentication =
  | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly secret: string }
  | { readonly method: 'private_key_jwt'; readonly alg: string; readonly key: JWK };

/** A client of auth that a library implements. It has found the endpoints in the metadata of auth. */
type LibraryClient = {
  /** Requests an access token by client credentials. @throws the library's error, whose `error` is the code of RFC 6749 §5.2. */
  readonly requestAccessToken: (parameters: Record<string, string>) => Promise<string>;
  /** Sends a token request with any grant type, and returns the access token in the response. */
  readonly requestByGrant: (grantType: string, parameters: Record<string, string>) => Promise<string>;
  readonly introspect: (token: string) => Promise<object>;
  /** Introspects with a signed response (RFC 9701), and verifies the signature. Undefined if the library cannot. */
  readonly introspectSigned: ((token: string) => Promise<object>) | undefined;
  readonly revoke: (token: string) => Promise<void>;
};

/** Creates the client `clientId` from the identifier of the issuer alone. */
type ConnectClient = (issuer: string, clientId: string, authentication: ClientAuthentication) => Promise<LibraryClient>;

/** The libraries with which programs request access tokens, by the names that tests show. */
export const OAUTH_LIBRARIES: readonly (readonly [name: string, connect: ConnectClient])[] = [
  ['openid-client 5', connectOpenidClient5],
  ['openid-client 6 by OpenID Connect Discovery', (...client) => connectOpenidClient6('oidc', ...client)],
  ['openid-client 6 by RFC 8414', (...client) => connectOpenidClient6('oauth2', ...client)],
  ['oauth4webapi', connectOauth4webapi],
];

const SIGNED_INTROSPECTION = { introspection_signed_response_alg: 'ES256' };

async function connectOpenidClient5(
  issuer: string,
  clientId: string,
  authentication: ClientAuthentication,
): Promise<LibraryClient> {
  const { Client } = await Issuer.discover(issuer);
  const client =
    authentication.method === 'private_key_jwt'
      ? // it chooses the algorithm itself, from the metadata of auth
        new Client(
          { client_id: clientId, token_endpoint_auth_method: authentication.method },
          { keys: [{ ...authentication.key, kty: String(authentication.key.kty) }] },
        )
      : new Client({
          client_id: clientId,
          client_secret: authentication.secret,
          token_endpoint_auth_method: authentication.method,
        });
  const requestByGrant = async (grantType: string, parameters: Record<string, string>) =>
    String((await client.grant({ grant_type: grantType, ...parameters })).access_token);
  return {
    requestAccessToken: (parameters) => requestByGrant('client_credentials', parameters),
    requestByGrant,
    introspect: (token) => client.introspect(token, 'access_token'),
    introspectSigned: undefined,
    revoke: (token) => client.revoke(token, 'access_token'),
  };
}

async function connectOpenidClient6(
  algorithm: 'oidc' | 'oauth2',
  issuer: string,
  clientId: string,
  authentication: ClientAuthentication,
): Promise<LibraryClient> {
  const clientAuthentication = await createClientAuthentication(authentication);
  const discover = (metadata: Partial<openidClient.ClientMetadata>, execute: ExecuteOnConfiguration[] = []) =>
    openidClient.discovery(new URL(issuer), clientId, metadata, clientAuthentication, {
      algorithm,
      execute: [openidClient.allowInsecureRequests, ...execute],
    });
  const configuration = await discover({});
  const signed = await discover(SIGNED_INTROSPECTION, [openidClient.enableNonRepudiationChecks]);
  const parameters = { token_type_hint: 'access_token' };
  return {
    requestAccessToken: async (requested) =>
      (await openidClient.clientCredentialsGrant(configuration, requested)).access_token,
    requestByGrant: async (grantType, requested) =>
      (await openidClient.genericGrantRequest(configuration, grantType, requested)).access_token,
    introspect: (token) => openidClient.tokenIntrospection(configuration, token, parameters),
    introspectSigned: (token) => openidClient.tokenIntrospection(signed, token, parameters),
    revoke: (token) => openidClient.tokenRevocation(configuration, token, parameters),
  };
}

type ExecuteOnConfiguration = (configuration: openidClient.Configuration) => void;

async function connectOauth4webapi(
  issuer: string,
  clientId: string,
  authentication: ClientAuthentication,
): Promise<LibraryClient> {
  const options = { [oauth.allowInsecureRequests]: true };
  const url = new URL(issuer);
  const response = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...options });
  const server = await oauth.processDiscoveryResponse(url, response);
  const client = { client_id: clientId };
  const clientAuthentication = await createClientAuthentication(authentication);
  return {
    async requestAccessToken(parameters) {
      const answer = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        clientAuthentication,
        parameters,
        options,
      );
      return (await oauth.processClientCredentialsResponse(server, client, answer)).access_token;
    },
    async requestByGrant(grantType, parameters) {
      const answer = await oauth.genericTokenEndpointRequest(
        server,
        client,
        clientAuthentication,
        grantType,
        parameters,
        options,
      );
      return (await oauth.processGenericTokenEndpointResponse(server, client, answer)).access_token;
    },
    async introspect(token) {
      const answer = await oauth.introspectionRequest(server, client, clientAuthentication, token, options);
      return oauth.processIntrospectionResponse(server, client, answer);
    },
    async introspectSigned(token) {
      const signed = { ...client, ...SIGNED_INTROSPECTION };
      const answer = await oauth.introspectionRequest(server, signed, clientAuthentication, token, options);
      const introspection = await oauth.processIntrospectionResponse(server, signed, answer);
      await oauth.validateApplicationLevelSignature(server, answer, options);
      return introspection;
    },
    async revoke(token) {
      const answer = await oauth.revocationRequest(server, client, clientAuthentication, token, options);
      await oauth.processRevocationResponse(answer);
    },
  };
}

/** Creates the client authentication of oauth4webapi, which openid-client 6 uses as well. */
async function createClientAuthentication(authentication: ClientAuthentication): Promise<oauth.ClientAuth> {
  switch (authentication.method) {
    case 'client_secret_basic':
      return oauth.ClientSecretBasic(authentication.secret);
    case 'client_secret_post':
      return oauth.ClientSecretPost(authentication.secret);
    case 'private_key_jwt': {
      const { alg, key } = authentication;
      return oauth.PrivateKeyJwt({ key: (await importJWK(key, alg)) as CryptoKey, kid: String(key.kid) });
    }
  }
}
