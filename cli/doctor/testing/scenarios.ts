import type { Deviation } from './start-test-servers.ts';

/** Servers with a deviation, and what the doctor must find. */
export type Scenario = {
  readonly name: string;
  readonly deviate: (at: { url: string; issuer: string }) => Deviation;
  /** The path of the resource; absent: `/mcp`. */
  readonly path?: string;
  /** What is appended to the URL that the doctor examines. */
  readonly suffix?: string;
  /** The links that fail. The first one has the texts below. */
  readonly failed?: readonly string[];
  /** The links with a warning. The first one has the texts below when no link fails. */
  readonly warned?: readonly string[];
  /** The links that are skipped, where a test asserts them. The first one has the texts below when no link has a finding. */
  readonly skipped?: readonly string[];
  /** Variables besides the client credentials, or instead of them. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly detail: RegExp;
  /** Absent: no link has a finding, and the text is that of `tools-list`. */
  readonly remedy?: RegExp;
};

const METADATA = 'GET /.well-known/oauth-protected-resource/mcp';
const ROOT = 'GET /.well-known/oauth-protected-resource';
const SERVER = 'GET /.well-known/oauth-authorization-server';

/** Variables that remove the client credentials. */
export const NO_CREDENTIALS = { OAUTH_CLIENT_ID: '', OAUTH_CLIENT_SECRET: '' };

/** A public key without kid (RFC 8037 appendix A.2). */
const ED25519_KEY = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };

const UNSIGNED_TOKEN = `${encode({ typ: 'at+jwt', alg: 'none' })}.${encode({ sub: 'program' })}.`;

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** The links for both URLs of the metadata. */
const BOTH = ['metadata-from-challenge', 'metadata-at-path'];

const challenged = (value: string | undefined): Deviation => ({
  replies: { challenge: { status: 401, headers: { 'www-authenticate': value } } },
});

/** Everything that the doctor finds at servers that answer. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'the resource answers without an access token',
    deviate: () => ({ replies: { challenge: { document: { jsonrpc: '2.0', id: 1, result: {} } } } }),
    failed: ['challenge'],
    detail: /^a request without an access token is answered with 200 instead of 401$/,
    remedy: /^Check the access token before everything else, also before initialize\./,
  },
  {
    name: 'the 401 has no challenge',
    deviate: () => challenged(undefined),
    failed: ['challenge'],
    detail: /no WWW-Authenticate header/,
    remedy: /WWW-Authenticate: Bearer resource_metadata=/,
  },
  {
    name: 'another scheme than Bearer comes first',
    deviate: ({ url }) => challenged(`DPoP algs="ES256", Bearer resource_metadata="${url}"`),
    failed: ['challenge'],
    detail: /first scheme of WWW-Authenticate is dpop, not Bearer; Bearer comes later/,
    remedy: /Put Bearer first/,
  },
  {
    name: 'the challenge has no metadata',
    deviate: () => challenged('Bearer realm="x"'),
    failed: ['challenge'],
    detail: /has no resource_metadata/,
    remedy: /RFC 9728 §5.1/,
  },
  {
    name: 'the metadata URL of the challenge is not a URL',
    deviate: () => challenged('Bearer resource_metadata="metadata"'),
    failed: ['challenge'],
    detail: /resource_metadata of the challenge is not a URL/,
    remedy: /RFC 9728 §5.1/,
  },
  {
    name: 'the challenge names http metadata on another machine',
    deviate: () => challenged('Bearer resource_metadata="http://mcp.example/metadata"'),
    failed: ['metadata-from-challenge'],
    warned: ['challenge'],
    detail: /http:\/\/mcp\.example\/metadata, which is neither https nor on this machine/,
    remedy: /Serve the metadata over https/,
  },
  {
    name: 'the metadata describe another resource',
    deviate: () => ({ replies: { [METADATA]: { document: { resource: 'https://other.example/mcp' } } } }),
    failed: BOTH,
    detail: /describes the resource https:\/\/other\.example\/mcp, not http:\/\/127/,
    remedy: /exactly equal \(RFC 9728 §3\.3\).*MCP_RESOURCE/,
  },
  {
    name: 'the metadata name the resource with a slash',
    deviate: ({ url }) => ({ replies: { [METADATA]: { document: { resource: `${url}/` } } } }),
    failed: BOTH,
    detail: /\(they differ in the slash at the end\)/,
    remedy: /Give clients the URL http.*\/mcp\/,/,
  },
  {
    name: 'the metadata name the resource in upper case',
    deviate: ({ url }) => ({ replies: { [METADATA]: { document: { resource: url.replace('mcp', 'MCP') } } } }),
    failed: BOTH,
    detail: /\(they differ in upper and lower case\)/,
    remedy: /exactly equal/,
  },
  {
    name: 'the metadata name the resource with https',
    deviate: ({ url }) => ({ replies: { [METADATA]: { document: { resource: url.replace('http:', 'https:') } } } }),
    failed: BOTH,
    detail: /\(they differ in http and https\)/,
    remedy: /exactly equal/,
  },
  {
    name: 'the metadata name the resource with a query',
    deviate: ({ url }) => ({ replies: { [METADATA]: { document: { resource: `${url}?mode=read` } } } }),
    failed: BOTH,
    detail: /\(they differ in the query\)/,
    remedy: /exactly equal/,
  },
  {
    name: 'the metadata redirect',
    deviate: () => ({ replies: { [METADATA]: { status: 307, headers: { location: 'https://elsewhere.example/' } } } }),
    failed: BOTH,
    detail: /redirects \(307\) to https:\/\/elsewhere\.example\//,
    remedy: /without a redirect, because clients follow none/,
  },
  {
    name: 'the metadata are missing',
    deviate: () => ({ replies: { [METADATA]: { status: 404 } } }),
    failed: BOTH,
    detail: /oauth-protected-resource\/mcp answers 404/,
    remedy: /A proxy in front must forward \/\.well-known\/oauth-protected-resource/,
  },
  {
    name: 'the metadata are a web page',
    deviate: () => ({ replies: { [METADATA]: { headers: { 'content-type': 'text/html' }, body: '<html>' } } }),
    failed: BOTH,
    detail: /answers with text\/html instead of JSON/,
    remedy: /Content-Type: application\/json/,
  },
  {
    name: 'the metadata have no Content-Type',
    deviate: () => ({ replies: { [METADATA]: { headers: { 'content-type': undefined } } } }),
    failed: BOTH,
    detail: /answers with no Content-Type instead of JSON/,
    remedy: /Content-Type: application\/json/,
  },
  {
    name: 'the metadata have a text in place of a list',
    deviate: () => ({ replies: { [METADATA]: { document: { authorization_servers: 'https://auth.example' } } } }),
    failed: BOTH,
    detail: /is not a valid document: authorization_servers: expected a list of URLs/,
    remedy: /^Correct the document\.$/,
  },
  {
    name: 'the metadata are not a JSON object',
    deviate: () => ({ replies: { [METADATA]: { body: '[]' } } }),
    failed: BOTH,
    detail: /is not a valid document: the document: expected /,
    remedy: /^Correct the document\.$/,
  },
  {
    name: 'the metadata are too large',
    deviate: () => ({ replies: { [METADATA]: { body: ' '.repeat(1_000_001) } } }),
    failed: BOTH,
    detail: /answers with more than 1000000 bytes/,
    remedy: /Send a shorter response/,
  },
  {
    name: 'the metadata name no authorization server',
    deviate: () => ({ replies: { [METADATA]: { document: { authorization_servers: [] } } } }),
    failed: BOTH,
    detail: /names no authorization server/,
    remedy: /AUTH_ISSUER/,
  },
  {
    name: 'the authorization server is http on another machine',
    deviate: () => ({ replies: { [METADATA]: { document: { authorization_servers: ['http://auth.example'] } } } }),
    failed: BOTH,
    detail: /authorization server http:\/\/auth\.example, which is neither https nor on this machine/,
    remedy: /Serve the authorization server over https/,
  },
  {
    name: 'the challenge and the well-known URL name different authorization servers',
    deviate: ({ url, issuer }) => ({
      replies: {
        challenge: {
          status: 401,
          headers: { 'www-authenticate': `Bearer resource_metadata="${new URL(url).origin}/metadata"` },
        },
        'GET /metadata': {
          status: 200,
          headers: { 'access-control-allow-origin': '*' },
          document: { resource: url, authorization_servers: [issuer] },
        },
        [METADATA]: { document: { authorization_servers: ['https://other.example'] } },
      },
    }),
    failed: ['metadata-at-path'],
    warned: ['challenge'],
    detail:
      /names the authorization server https:\/\/other\.example, but the metadata at the URL in the challenge has http:\/\/127/,
    remedy: /Serve the same document at both URLs/,
  },
  {
    name: 'a browser may not read the metadata',
    deviate: () => ({
      replies: {
        [METADATA]: { headers: { 'access-control-allow-origin': undefined } },
        [SERVER]: { headers: { 'access-control-allow-origin': 'https://own.example' } },
      },
    }),
    failed: ['browser-access'],
    detail: /cannot read .*oauth-protected-resource\/mcp and .*oauth-authorization-server/,
    remedy: /Access-Control-Allow-Origin: \*/,
  },
  {
    name: 'the authorization server has another issuer',
    deviate: ({ issuer }) => ({ replies: { [SERVER]: { document: { issuer: `${issuer}/` } } } }),
    failed: ['authorization-server'],
    detail: /has the issuer .* \(they differ in the slash at the end\)/,
    remedy: /exactly the same issuer in both metadata documents \(RFC 8414 §3\.3\)/,
  },
  {
    name: 'the authorization server metadata are missing',
    deviate: () => ({ replies: { [SERVER]: { status: 404 } } }),
    failed: ['authorization-server'],
    detail: /oauth-authorization-server answers 404, .*openid-configuration answers 404/,
    remedy: /RFC 8414 §3/,
  },
  {
    name: 'the authorization server metadata fail',
    deviate: () => ({ replies: { [SERVER]: { status: 500 } } }),
    failed: ['authorization-server'],
    detail: /oauth-authorization-server answers 500/,
    remedy: /Serve the authorization server metadata at this URL \(RFC 8414 §3\)/,
  },
  {
    name: 'the authorization server metadata have a text in place of a list',
    deviate: () => ({ replies: { [SERVER]: { document: { grant_types_supported: 'client_credentials' } } } }),
    failed: ['authorization-server'],
    detail: /is not a valid document: grant_types_supported: expected a list of strings/,
    remedy: /^Correct the document\.$/,
  },
  {
    name: 'the authorization server metadata redirect',
    deviate: () => ({ replies: { [SERVER]: { status: 302, headers: { location: '/login' } } } }),
    failed: ['authorization-server'],
    detail: /redirects \(302\) to \/login/,
    remedy: /clients follow none/,
  },
  {
    name: 'the token endpoint is http on another machine',
    deviate: () => ({ replies: { [SERVER]: { document: { token_endpoint: 'http://auth.example/token' } } } }),
    failed: ['authorization-server'],
    detail: /token_endpoint is http:\/\/auth\.example\/token/,
    remedy: /over https/,
  },
  {
    name: 'the authorization server has no jwks_uri',
    deviate: () => ({ replies: { [SERVER]: { document: { jwks_uri: undefined } } } }),
    failed: ['authorization-server'],
    detail: /have no jwks_uri/,
    remedy: /Put jwks_uri into/,
  },
  {
    name: 'the jwks_uri is not a URL',
    deviate: () => ({ replies: { [SERVER]: { document: { jwks_uri: 'jwks' } } } }),
    failed: ['authorization-server'],
    detail: /jwks_uri .* is not a URL/,
    remedy: /Put jwks_uri into/,
  },
  {
    name: 'the JWKS is missing',
    deviate: () => ({ replies: { 'GET /jwks': { status: 404 } } }),
    failed: ['keys'],
    detail: /\/jwks answers 404/,
    remedy: /Serve the public keys at this URL/,
  },
  {
    name: 'the JWKS has no list of keys',
    deviate: () => ({ replies: { 'GET /jwks': { document: { keys: {} } } } }),
    failed: ['keys'],
    detail: /is not a valid document: keys: expected a list of keys/,
    remedy: /^Correct the document\.$/,
  },
  {
    name: 'the JWKS has a private key',
    deviate: () => ({
      replies: { 'GET /jwks': { document: { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'd' }] } } },
    }),
    failed: ['keys'],
    detail: /private or symmetric key/,
    remedy: /at once/,
  },
  {
    name: 'the JWKS is empty',
    deviate: () => ({ replies: { 'GET /jwks': { document: { keys: [] } } } }),
    failed: ['keys'],
    detail: /no key that can verify a signature/,
    remedy: /Publish the public key of the key pair/,
  },
  ...[
    'invalid_client',
    'invalid_target',
    'invalid_scope',
    'unauthorized_client',
    'unsupported_grant_type',
    'access_denied',
    'invalid_request',
  ].map((error) => ({
    name: `the token endpoint answers ${error}`,
    deviate: () => ({
      replies: { 'POST /token': { status: error === 'invalid_client' ? 401 : 400, document: { error } } },
    }),
    failed: ['access-token'],
    detail: new RegExp(`^the token endpoint rejects the request: ${error}$`),
    remedy:
      { invalid_client: /Correct OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET/, invalid_target: /--resource URL/ }[error] ??
      /\w/,
  })),
  {
    name: 'the token endpoint answers with an error of its own',
    deviate: () => ({ replies: { 'POST /token': { status: 400, document: { error: 'no_more_tokens' } } } }),
    failed: ['access-token'],
    detail: /^the token endpoint rejects the request with an unknown error code$/,
    remedy: /log of the authorization server/,
  },
  {
    name: 'the token endpoint answers 429',
    deviate: () => ({ replies: { 'POST /token': { status: 429, document: { error: 'slow_down' } } } }),
    failed: ['access-token'],
    detail: /answers 429/,
    remedy: /^Wait 60 seconds, then try again\./,
  },
  {
    name: 'the token endpoint fails',
    deviate: () => ({
      replies: { 'POST /token': { status: 502, headers: { 'content-type': 'text/html' }, body: 'Bad Gateway' } },
    }),
    failed: ['access-token'],
    detail: /is not a token response/,
    remedy: /access_token and token_type/,
  },
  {
    name: 'the authorization server does not support client_secret_basic',
    deviate: () => ({
      replies: { [SERVER]: { document: { token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'] } } },
    }),
    skipped: ['access-token', 'claims', 'signature', 'initialize', 'tools-list', 'get'],
    detail: /does not support client_secret_basic, only private_key_jwt/,
    remedy: /supports no other client authentication method/,
  },
  {
    name: 'the token endpoint is another one than OAUTH_TOKEN_URL',
    deviate: () => ({}),
    environment: { OAUTH_TOKEN_URL: 'https://auth.example/token' },
    failed: ['access-token'],
    detail: /the secret was not sent/,
    remedy: /unset OAUTH_TOKEN_URL/,
  },
  {
    name: 'the access token is not a JWT',
    deviate: () => ({ replies: { 'POST /token': { document: { access_token: 'opaque-one', token_type: 'Bearer' } } } }),
    failed: ['claims'],
    detail: /is not a JWT/,
    remedy: /RFC 9068/,
  },
  {
    name: 'the authorization server ignores the resource',
    deviate: () => ({ claims: { aud: 'https://api.example' } }),
    failed: ['claims'],
    detail: /the aud of the access token is https:\/\/api\.example, not http.*\/mcp/,
    remedy: /RFC 8707 §2/,
  },
  {
    name: 'the access token is for two resources',
    deviate: ({ url }) => ({ claims: { aud: [url, 'https://api.example'] } }),
    failed: ['claims'],
    detail: /the aud of the access token is http.*, https:\/\/api\.example/,
    remedy: /for the requested `resource` alone/,
  },
  {
    name: 'the access token has another issuer',
    deviate: () => ({ claims: { iss: 'https://old.example' } }),
    failed: ['claims'],
    detail: /the iss of the access token is https:\/\/old\.example/,
    remedy: /AUTH_ISSUER/,
  },
  {
    name: 'the JWT has another type',
    deviate: () => ({ header: { typ: 'JWT' } }),
    failed: ['claims'],
    detail: /the typ of the access token is JWT, not at\+jwt/,
    remedy: /RFC 9068 §2\.1/,
  },
  {
    name: 'the access token is not signed',
    deviate: () => ({
      replies: { 'POST /token': { document: { access_token: UNSIGNED_TOKEN, token_type: 'Bearer' } } },
    }),
    failed: ['claims', 'signature'],
    detail: /^the alg of the access token is none, not one of ES256/,
    remedy: /AUTH_SIGNING_ALG/,
  },
  {
    name: 'the access token has no kid, and the JWKS has two keys',
    deviate: () => ({
      header: { kid: undefined },
      replies: { 'GET /jwks': { document: { keys: [ED25519_KEY, { ...ED25519_KEY, kid: 'two' }] } } },
    }),
    failed: ['claims', 'signature'],
    warned: ['keys'],
    detail: /^the kid of the access token is missing, not the kid of a published key$/,
    remedy: /Put the kid of the signing key into the header/,
  },
  {
    name: 'the access token has no iat',
    deviate: () => ({ claims: { iat: undefined } }),
    failed: ['claims'],
    detail: /the iat of the access token is missing/,
    remedy: /time of issue/,
  },
  {
    name: 'the access token has already expired',
    deviate: () => ({ claims: { exp: Math.floor(Date.now() / 1000) - 60 } }),
    failed: ['claims'],
    detail: /the exp of the access token is \d+, not a time in the future/,
    remedy: /ACCESS_TOKEN_TTL/,
  },
  {
    name: 'the signing key was rotated out of the JWKS',
    deviate: () => ({ header: { kid: 'old' }, foreignKey: true }),
    failed: ['signature'],
    detail: /the key old, which the JWKS does not contain; it may have been rotated out/,
    remedy: /Publish a new key before you sign with it/,
  },
  {
    name: 'another key signs under the same kid',
    deviate: () => ({ foreignKey: true }),
    failed: ['signature'],
    detail: /does not match the key one/,
    remedy: /its own kid/,
  },
  {
    name: 'the clock of the authorization server is slow',
    deviate: () => ({ clocks: { authorizationServer: -120 } }),
    failed: ['clocks'],
    detail: /the clock of the authorization server is 1[12]\d s behind the other clocks/,
    remedy: /Synchronize the clock of the authorization server with NTP/,
  },
  {
    name: 'the clock of the resource server is fast',
    deviate: () => ({ clocks: { resourceServer: 60 } }),
    failed: ['clocks'],
    detail: /the clock of the resource server is (60|5\d) s ahead of the other clocks/,
    remedy: /Synchronize the clock of the resource server with NTP/,
  },
  {
    name: 'the clock of the signer is fast',
    deviate: () => ({ clocks: { iat: 60 } }),
    failed: ['clocks'],
    detail: /iat of the access token is (60|5\d) s after the time at which it was issued/,
    remedy: /takes iat with NTP/,
  },
  {
    name: 'no response has a Date header, and there is no access token',
    deviate: () => ({ noDate: true }),
    environment: NO_CREDENTIALS,
    skipped: ['access-token', 'clocks', 'claims', 'signature', 'initialize', 'tools-list', 'get'],
    detail: /^not checked: there are no client credentials in the environment$/,
    remedy: /^Set OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET/,
  },
  {
    name: 'no response has a Date header, and the iat is wrong',
    deviate: () => ({ noDate: true, clocks: { iat: 60 } }),
    failed: ['clocks'],
    detail: /^the clocks of this machine and the authorization server differ by (60|5\d) s$/,
    remedy: /^Synchronize both clocks with NTP\./,
  },
  ...[401, 403, 404, 500].map((status) => ({
    name: `the resource server answers ${status} to a valid access token`,
    deviate: () => ({ replies: { initialize: { status, document: {} } } }),
    failed: ['initialize'],
    detail: new RegExp(`^initialize answers ${status} although the access token is valid$`),
    remedy:
      { 401: /its clock, and that it reaches the keys/, 403: /clients set-scope/, 404: /Correct its path/ }[status] ??
      /log of the resource server/,
  })),
  {
    name: 'the client lacks the scope for tools/list',
    deviate: () => ({ replies: { 'tools/list': { status: 403, document: {} } } }),
    failed: ['tools-list'],
    detail: /tools\/list answers 403/,
    remedy: /clients set-scope/,
  },
  {
    name: 'the endpoint does not speak MCP',
    deviate: () => ({ replies: { initialize: { document: { hello: 'world' } } } }),
    failed: ['initialize'],
    detail: /^the response to initialize is not an MCP response$/,
    remedy: /Streamable HTTP/,
  },
  {
    name: 'GET is neither 405 nor an event stream',
    deviate: () => ({ replies: { 'GET /mcp': { status: 200 } } }),
    failed: ['get'],
    detail: /GET answers 200/,
    remedy: /405 and Allow: POST/,
  },
  {
    name: 'the todos of an API are not JSON',
    deviate: () => ({ replies: { 'GET /api/v1/todos': { body: '<html>' } } }),
    path: '/api/v1',
    failed: ['todos'],
    detail: /^the response to GET http.*\/api\/v1\/todos is not JSON$/,
    remedy: /in front of the API/,
  },
  {
    name: 'the challenge has no scope',
    deviate: ({ url }) =>
      challenged(`Bearer resource_metadata="${url.replace('/mcp', '/.well-known/oauth-protected-resource/mcp')}"`),
    warned: ['challenge'],
    detail: /without scope/,
    remedy: /scope="…"/,
  },
  {
    name: 'there are no metadata at the root',
    deviate: () => ({ replies: { [ROOT]: { status: 404 } } }),
    warned: ['metadata-at-root'],
    detail: /answers 404/,
    remedy: /root of the host/,
  },
  {
    name: 'the metadata at the root describe another resource',
    deviate: () => ({ replies: { [ROOT]: { document: { resource: 'https://other.example/mcp' } } } }),
    warned: ['metadata-at-root'],
    detail: /describes the resource https:\/\/other\.example\/mcp/,
    remedy: /root of the host/,
  },
  {
    name: 'the authorization server has sign-in without PKCE',
    deviate: () => ({ replies: { [SERVER]: { document: { code_challenge_methods_supported: ['plain'] } } } }),
    warned: ['sign-in'],
    detail: /lack S256 in code_challenge_methods_supported$/,
    remedy: /yata token --headers/,
  },
  {
    name: 'the authorization server has no sign-in',
    deviate: () => ({
      replies: {
        [SERVER]: {
          document: {
            grant_types_supported: ['client_credentials'],
            authorization_endpoint: undefined,
            response_types_supported: [],
            code_challenge_methods_supported: undefined,
            registration_endpoint: undefined,
            client_id_metadata_document_supported: undefined,
            token_endpoint_auth_methods_supported: undefined,
            authorization_response_iss_parameter_supported: undefined,
          },
        },
      },
    }),
    warned: ['sign-in'],
    detail:
      /lack authorization_code in .*; code in .*; authorization_endpoint; S256 in .*; registration_endpoint or client_id_metadata_document_supported.*; none in .*; authorization_response_iss_parameter_supported/,
    remedy: /yata token --headers/,
  },
  {
    name: 'no host can become a client of the authorization server',
    deviate: () => ({
      replies: {
        [SERVER]: { document: { registration_endpoint: undefined, client_id_metadata_document_supported: false } },
      },
    }),
    warned: ['sign-in'],
    detail: /lack registration_endpoint or client_id_metadata_document_supported, by which a host becomes a client$/,
    remedy: /credentials of a client/,
  },
  {
    name: 'a proxy does not forward the pages of sign-in and registration',
    deviate: () => ({ replies: { 'GET /authorize': { status: 404 }, 'POST /register': { status: 502 } } }),
    warned: ['sign-in'],
    detail: /^the authorization_endpoint answers 404; the registration_endpoint answers 502$/,
    remedy: /begins with \/oauth, \/interaction, \/sign-in, \/sign-out, \/welcome, \/account or \/assets\./,
  },
  {
    name: 'the registration endpoint is a redirect',
    deviate: () => ({
      replies: { 'POST /register': { status: 302, headers: { location: 'https://elsewhere.example/' } } },
    }),
    warned: ['sign-in'],
    detail: /^the registration_endpoint cannot be used: .* redirects \(302\)/,
    remedy: /begins with \/oauth, \/interaction, \/sign-in, \/sign-out, \/welcome, \/account or \/assets\./,
  },
  {
    name: 'sign-in is not https, and the metadata list scopes that hosts should not ask for',
    deviate: () => ({
      replies: {
        [SERVER]: {
          document: {
            authorization_endpoint: 'http://auth.example/authorize',
            scopes_supported: ['todos:read', 'admin', 'offline_access'],
          },
        },
      },
    }),
    warned: ['sign-in'],
    detail:
      /^the authorization_endpoint is not an https URL: .*; scopes_supported has admin, .*; scopes_supported has offline_access/,
    remedy: /Use https/,
  },
  {
    name: 'the audience has a slash that the URL lacks',
    deviate: ({ url }) => ({ claims: { aud: `${url}/` } }),
    warned: ['claims'],
    detail: /only for http.*\/mcp\//,
    remedy: /differ in the slash at the end/,
  },
  {
    name: 'the access token may not call any tool',
    deviate: () => ({
      replies: { 'tools/list': { document: { jsonrpc: '2.0', id: 1, result: { tools: [] } } } },
    }),
    warned: ['tools-list'],
    detail: /^0 tools$/,
    remedy: /may not call any tool/,
  },
  {
    name: 'the list of tools has several pages',
    deviate: () => ({
      replies: {
        'tools/list': {
          document: {
            jsonrpc: '2.0',
            id: 1,
            result: { tools: [{ name: 'list_todos', inputSchema: { type: 'object' } }], nextCursor: '2' },
          },
        },
      },
    }),
    detail: /^1 tool, and more on the next page$/,
  },
  {
    name: 'the URL has a query',
    deviate: () => ({}),
    suffix: '?mode=read',
    warned: BOTH,
    detail: /names the authorization server/,
    remedy: /^The resource identifier is http.*\/mcp, without the query\./,
  },
];
