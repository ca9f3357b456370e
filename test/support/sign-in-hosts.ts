import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  Client as ClientOfVersion2,
  StreamableHTTPClientTransport as TransportOfVersion2,
} from '@modelcontextprotocol/client';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';

/** Opens the URL of an authorization request as a person does who allows it. Returns the URL of the redirect back. */
type Allow = (authorizationUrl: string) => Promise<string>;

/** A host that a person connected by the URL of the MCP server alone. */
export type SignInHost = AsyncDisposable & {
  /** Calls the tool `list_todos` and returns what the host shows. @throws {Error} with what the host shows instead. */
  readonly listTodos: () => Promise<string>;
};

type Connect = (mcpUrl: string, allow: Allow) => Promise<SignInHost>;

/** How each host connects: the clients of both major versions of the SDK, in this process, and two hosts as programs. */
export const CONNECT_HOSTS: Readonly<Record<string, Connect>> = {
  'SDK v1': (url, allow) =>
    connectSdk(allow, (authProvider) => {
      const client = new Client({ name: 'test', version: '1' });
      const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
      const finishAuth = (answer: URLSearchParams) => transport.finishAuth(answer.get('code') ?? '');
      return { client, connect: () => client.connect(transport), finishAuth };
    }),
  'SDK v2': (url, allow) =>
    connectSdk(allow, (authProvider) => {
      const client = new ClientOfVersion2({ name: 'test', version: '2' });
      const transport = new TransportOfVersion2(new URL(url), { authProvider });
      // it checks `iss` (RFC 9207), which is why it gets the whole response
      const finishAuth = (answer: URLSearchParams) => transport.finishAuth(answer);
      return { client, connect: () => client.connect(transport), finishAuth };
    }),
  'mcp-remote': connectMcpRemote,
  mcporter: connectMcporter,
};

/** What both versions of the SDK have. */
type SdkConnection = {
  readonly client: { callTool(call: { name: string }): Promise<unknown>; close(): Promise<void> };
  readonly connect: () => Promise<void>;
  /** Takes the parameters of the authorization response. */
  readonly finishAuth: (answer: URLSearchParams) => Promise<void>;
};

async function connectSdk(allow: Allow, open: (provider: OAuthClientProvider) => SdkConnection): Promise<SignInHost> {
  const provider = createProvider();
  const first = open(provider);
  const error = await first.connect().catch((error: unknown) => error);
  if (provider.requested === undefined) throw error;
  await first.finishAuth(new URL(await allow(provider.requested)).searchParams);
  const { client, connect } = open(provider);
  await connect();
  return {
    listTodos: async () => JSON.stringify(await client.callTool({ name: 'list_todos' })),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** A provider that keeps everything in memory. `requested` is the URL that it was told to open last. */
function createProvider(): OAuthClientProvider & { readonly requested: string | undefined } {
  const redirectUrl = 'http://localhost:49153/callback';
  let requested: string | undefined;
  let client: OAuthClientInformationMixed | undefined;
  let tokens: OAuthTokens | undefined;
  let verifier = '';
  return {
    get requested() {
      return requested;
    },
    redirectUrl,
    clientMetadata: {
      client_name: 'A host on the SDK',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => client,
    saveClientInformation: (information) => {
      client = information;
    },
    tokens: () => tokens,
    saveTokens: (saved) => {
      tokens = saved;
    },
    redirectToAuthorization: (url) => {
      requested = url.href;
    },
    saveCodeVerifier: (saved) => {
      verifier = saved;
    },
    codeVerifier: () => verifier,
    invalidateCredentials: (scope) => {
      if (scope === 'all' || scope === 'client') client = undefined;
      if (scope === 'all' || scope === 'tokens') tokens = undefined;
    },
  };
}

const MCP_REMOTE = findProgram('mcp-remote/dist/proxy.js');
const MCPORTER = findProgram('mcporter/dist/cli.js');

/** mcp-remote serves a host over stdio, and forwards its messages to the URL. */
async function connectMcpRemote(url: string, allow: Allow): Promise<SignInHost> {
  await using opening = new AsyncDisposableStack();
  const env = createHome(opening.use(makeTemporaryDirectory()).path);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [MCP_REMOTE, url],
    env,
    stderr: 'pipe',
  });
  let output = '';
  transport.stderr?.on('data', (chunk) => (output += chunk));
  const client = new Client({ name: 'test', version: '1' });
  opening.defer(() => client.close());
  const connected = client.connect(transport);
  connected.catch(() => {});
  await followRedirect(await allow(await findAuthorizationUrl(() => output)));
  await connected;
  const opened = opening.move();
  return {
    async listTodos() {
      const from = output.length;
      const result = client.callTool({ name: 'list_todos' });
      result.catch(() => {});
      // it answers the call when the person has signed in again, and until then it shows the address
      const asked = findAuthorizationUrl(() => output.slice(from)).then(() =>
        Promise.reject(new Error(output.slice(from))),
      );
      return JSON.stringify(await Promise.race([result, asked]));
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** mcporter is a command: one process signs in, and each call of a tool is a process of its own. */
async function connectMcporter(url: string, allow: Allow): Promise<SignInHost> {
  await using opening = new AsyncDisposableStack();
  const env = createHome(opening.use(makeTemporaryDirectory()).path);
  const signIn = run(['auth', url, '--allow-http']);
  await followRedirect(await allow(await findAuthorizationUrl(signIn.output)));
  if ((await signIn.ended) !== 0) throw new Error(signIn.output());
  const opened = opening.move();
  return {
    async listTodos() {
      const call = run(['call', `${url}.list_todos`, '--allow-http', '--no-oauth']);
      const code = await call.ended;
      if (code !== 0) throw new Error(call.output());
      return call.output();
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };

  function run(args: readonly string[]) {
    const child = spawn(process.execPath, [MCPORTER, ...args], { env, cwd: env.HOME, timeout: 30_000 });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    return { ended, output: () => output };
  }
}

function findProgram(path: string): string {
  return fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url));
}

/** The environment of a program with a home directory of its own, which opens no browser. */
function createHome(path: string) {
  return { HOME: path, PATH: '/usr/bin:/bin', BROWSER: 'true' };
}

async function findAuthorizationUrl(output: () => string): Promise<string> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const [url] = /http\S+\/oauth\/authorize\?\S+/.exec(output()) ?? [];
    if (url !== undefined) return url;
    await sleep(100);
  }
  throw new Error(`the host named no authorization URL:\n${output()}`);
}

async function followRedirect(url: string): Promise<void> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the host answered its redirect with ${response.status}`);
}
