import type { Readable, Writable } from 'node:stream';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { type Environment, resolveEnvironment } from '../shared/configuration/environment.ts';
import { identifierSchema } from '../shared/configuration/variables.ts';
import { createLogger } from '../shared/logger.ts';
import { createTokenRequest } from '../shared/oauth-client/token-request.ts';
import { runUntilSignalled } from '../shared/run-until-signalled.ts';
import { createClientCredentialsSource } from './access-tokens/client-credentials.ts';
import { readStdioConfig } from './config.ts';
import { explainUnusedProxy } from './connection-failure.ts';
import { FEATURES, readOnlyFeatures, type ServerFeatures } from './features.ts';
import { createMcpServer } from './protocol/server.ts';
import type { McpServerOptions } from './protocol/server-options.ts';
import { tolerateLines } from './protocol/tolerate-lines.ts';
import { createTodoApiDiscovery } from './todo-api/discovery.ts';
import { createTodoApi } from './todo-api/todo-api.ts';

/** The longest line that is read. A longer one would fill the memory. */
const MAX_LINE_BYTES = 10 * 1024 * 1024;

/** The message of the SDK's error for a longer line. The error has no class or code of its own. */
const TOO_LONG = /^ReadBuffer exceeded maximum size/;

/**
 * Starts the MCP server over stdio, for one host. It reads messages from `input` and writes nothing but messages to
 * `output`; the log goes to stderr. Disposing it closes the transport. `onLineTooLong` is called when it closes the
 * transport itself, because a line has more than `MAX_LINE_BYTES`: the rest of such a line cannot be told from messages.
 * @throws {InvalidConfigurationError}
 */
export async function startStdio(
  given: Environment,
  {
    input,
    output,
    features = FEATURES,
    onLineTooLong,
  }: { input: Readable; output: Writable; features?: ServerFeatures; onLineTooLong?: () => void },
): Promise<AsyncDisposable> {
  const environment = resolveEnvironment(given);
  const config = readStdioConfig(environment);
  const logger = createLogger({ name: 'mcp', level: config.LOG_LEVEL, stream: 'stderr' });
  const connect = explainUnusedProxy(fetch, environment);
  const discovery = createTodoApiDiscovery({
    apiBaseUrl: config.API_BASE_URL,
    tokenUrl: config.OAUTH_TOKEN_URL,
    identifier: identifierSchema(environment),
    fetch: connect,
  });
  const requestAccessToken = createTokenRequest({
    authorizationServer: discovery.authorizationServer,
    clientId: config.OAUTH_CLIENT_ID,
    clientSecret: config.OAUTH_CLIENT_SECRET,
    fetch: connect,
  });
  const accessTokens = createClientCredentialsSource({ requestAccessToken, resource: discovery.resource });
  const options: McpServerOptions = {
    info: { name: config.SERVER_NAME, version: config.SERVER_VERSION },
    features: config.MCP_READ_ONLY ? readOnlyFeatures(features) : features,
    caller: {
      todos: createTodoApi({
        baseUrl: discovery.baseUrl,
        address: config.API_BASE_URL,
        accessTokens,
        fetch: connect,
      }),
    },
    // without an access token all features are listed: a call then says what is wrong
    findGrantedScopes: () => accessTokens.grantedScopes().catch(() => undefined),
    logger,
  };
  const lines = tolerateLines({
    output,
    maxLineBytes: MAX_LINE_BYTES,
    // the line itself is not logged: it may contain a secret
    onInvalid: () => logger.warn({ event: 'stdio.invalid_message' }, 'ignored a line that is not a JSON-RPC message'),
  });
  // a host that has closed stdin still gets the answers to its requests; then the process ends, because nothing is open
  input.pipe(lines, { end: false });
  const transport = new StdioServerTransport(lines, output, { maxBufferSize: MAX_LINE_BYTES });
  // the first message decides in which revision of MCP the connection is served
  const connection = serveStdio(() => createMcpServer(options), {
    transport,
    onerror(error) {
      if (!TOO_LONG.test(error.message)) return;
      logger.error(
        { event: 'stdio.line_too_long', limit: MAX_LINE_BYTES },
        `a line has more than ${MAX_LINE_BYTES} bytes: the server ends, start it again and send shorter messages`,
      );
      onLineTooLong?.();
    },
  });
  const { onclose } = transport;
  transport.onclose = () => {
    onclose?.();
    input.unpipe(lines);
    // without a reader the process can end
    input.pause();
  };
  return { [Symbol.asyncDispose]: connection.close };
}

// a host starts this process and ends it by closing its stdin, or with a signal
if (import.meta.main) {
  await runUntilSignalled(async (resources) => {
    // when the host has closed stdout, nothing can read a response
    process.stdout.on('error', () => process.exit());
    const streams = { input: process.stdin, output: process.stdout };
    const onLineTooLong = () => {
      process.exitCode = 1;
    };
    resources.use(await startStdio(process.env, { ...streams, onLineTooLong }));
  });
}
