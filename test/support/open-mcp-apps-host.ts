import { AppBridge } from '@modelcontextprotocol/ext-apps/app-bridge';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type CallToolResult, CallToolResultSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { Browser, Frame, Page } from 'playwright-core';
import { serve } from '../../shared/http/serve.ts';
import { readResourceText } from './read-resource-text.ts';

/** A web page that acts as an MCP Apps host: it renders a View and connects it to an MCP client by the bridge of ext-apps. */
export type McpAppsHost = AsyncDisposable & {
  readonly page: Page;
  readonly view: Frame;
  readonly bridge: AppBridge;
  /** The tools/call requests of the View. */
  readonly calls: readonly { readonly name: string; readonly arguments: Record<string, unknown> }[];
  /** The problems that the browser reported: script errors, violations of the Content Security Policy, warnings. */
  readonly browserProblems: readonly string[];
  /** The URL of every request. */
  readonly requestedUrls: ReadonlySet<string>;
  /** The URLs of the two pages of the host. */
  readonly ownPages: readonly string[];
};

/** The Content Security Policy of a View that declares no domains (MCP Apps, Content Security Policy Enforcement). */
export const SPECIFIED_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "media-src 'self' data:",
  "frame-src 'none'",
  "object-src 'none'",
  "base-uri 'self'",
].join('; ');

/**
 * Opens the View of list_todos in `browser`, as a host does: it reads the page from the MCP server, loads it into a
 * sandboxed frame inside a sandbox proxy with another origin, and sends it the arguments and the result of one tool call.
 */
export async function openMcpAppsHost({
  browser,
  client,
  args = {},
  result,
  hostContext = {},
  capabilities = { serverTools: {} },
  policy = SPECIFIED_POLICY,
  colorScheme = 'light',
}: {
  browser: Browser;
  client: Client;
  args?: Record<string, unknown>;
  /** The result to send to the View. Without it, list_todos is called. */
  result?: CallToolResult;
  hostContext?: Record<string, unknown>;
  capabilities?: Record<string, unknown>;
  policy?: string;
  colorScheme?: 'light' | 'dark';
}): Promise<McpAppsHost> {
  await using starting = new AsyncDisposableStack();
  const html = await readView(client, 'list_todos');
  const sandbox = starting.use(await servePage(SANDBOX_PROXY));
  const host = starting.use(await servePage(HOST.replaceAll('SANDBOX', `${sandbox.origin}/`)));

  const page = await browser.newPage({ colorScheme, viewport: { width: 480, height: 640 } });
  starting.defer(() => page.close());
  const browserProblems: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) browserProblems.push(message.text());
  });
  page.on('pageerror', (error) => browserProblems.push(error.message));
  const requestedUrls = new Set<string>();
  page.on('request', (request) => requestedUrls.add(request.url()));

  const bridge = new AppBridge(client, { name: 'test', version: '1' }, capabilities, { hostContext });
  const calls: { name: string; arguments: Record<string, unknown> }[] = [];
  const transport: Transport = {
    start: async () => {},
    close: async () => {},
    send: (message) => page.evaluate(`sendToSandbox(${JSON.stringify(message)})`),
  };
  await bridge.connect(transport);
  await page.exposeFunction('receiveFromSandbox', (message: JSONRPCMessage & { method?: string; params?: never }) => {
    if (message.method === 'tools/call' && message.params !== undefined) calls.push(message.params);
    transport.onmessage?.(message);
  });
  bridge.onsandboxready = () =>
    bridge.sendSandboxResourceReady({ html: html.replace('<head>', `<head><meta ${policyMeta(policy)}>`), csp: {} });
  bridge.onsizechange = async ({ height }: { height?: number }) => {
    // the View may report its last size when the page is already closed
    await page.evaluate(`resizeSandbox(${height})`).catch(() => undefined);
  };
  const initialized = new Promise<void>((resolve) => {
    bridge.oninitialized = () => resolve();
  });
  await page.goto(`${host.origin}/`);
  await initialized;
  await bridge.sendToolInput({ arguments: args });
  await bridge.sendToolResult(
    result ?? CallToolResultSchema.parse(await client.callTool({ name: 'list_todos', arguments: args })),
  );
  const view = page.frames().find((frame) => frame.parentFrame()?.parentFrame() === page.mainFrame());
  if (view === undefined) throw new Error('the sandbox proxy loaded no View');

  await view.locator('[aria-busy="false"]').first().waitFor();

  const running = starting.move();
  return {
    page,
    view,
    bridge,
    calls,
    browserProblems,
    requestedUrls,
    ownPages: [`${host.origin}/`, `${sandbox.origin}/`],
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Reads the page of a tool from the MCP server. */
async function readView(client: Client, toolName: string): Promise<string> {
  const { tools } = await client.listTools();
  const ui = Object(tools.find(({ name }) => name === toolName)?._meta?.ui);
  return readResourceText(client, String(ui.resourceUri));
}

function policyMeta(policy: string): string {
  return `http-equiv="Content-Security-Policy" content="${policy}"`;
}

async function servePage(html: string): Promise<AsyncDisposable & { readonly origin: string }> {
  const server = await serve(
    (_request, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8').end(html);
    },
    { port: 0, host: '127.0.0.1', drainFor: 0 },
  );
  return { origin: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const HOST = `<!DOCTYPE html>
<html lang="en">
<title>Host</title>
<link rel="icon" href="data:,">
<script>
  const sandbox = () => document.querySelector('iframe');
  addEventListener('message', ({ source, data }) => {
    if (source === sandbox().contentWindow) receiveFromSandbox(data);
  });
  function sendToSandbox(message) {
    sandbox().contentWindow.postMessage(message, 'SANDBOX');
  }
  function resizeSandbox(height) {
    sandbox().style.height = height + 'px';
  }
</script>
<iframe title="Sandbox" src="SANDBOX" style="width: 100%; border: 0" sandbox="allow-scripts allow-same-origin"></iframe>
</html>`;

const SANDBOX_PROXY = `<!DOCTYPE html>
<html lang="en">
<title>Sandbox proxy</title>
<link rel="icon" href="data:,">
<style>
  html, body, iframe { width: 100%; height: 100%; margin: 0; border: 0; display: block }
</style>
<script>
  let view;
  addEventListener('message', ({ source, data }) => {
    if (source === parent && data.method === 'ui/notifications/sandbox-resource-ready') {
      view = document.createElement('iframe');
      view.title = 'View';
      view.sandbox = 'allow-scripts';
      view.srcdoc = data.params.html;
      document.body.append(view);
    } else if (source === parent) view.contentWindow.postMessage(data, '*');
    else if (source === view?.contentWindow) parent.postMessage(data, '*');
  });
  parent.postMessage({ jsonrpc: '2.0', method: 'ui/notifications/sandbox-proxy-ready', params: {} }, '*');
</script>
</html>`;
