import type { Server, ServerCapabilities } from '@modelcontextprotocol/server';
import { hasCompletions, type ServerFeatures } from '../features.ts';
import { MCP_APPS_EXTENSION, VIEW_MIME_TYPE } from '../mcp-apps.ts';
import { CACHE_HINTS } from './2026-07-28/cache-hints.ts';
import { callTool } from './handlers/call-tool.ts';
import { complete } from './handlers/complete.ts';
import { getPrompt } from './handlers/get-prompt.ts';
import { listPrompts } from './handlers/list-prompts.ts';
import { listResourceTemplates } from './handlers/list-resource-templates.ts';
import { listResources } from './handlers/list-resources.ts';
import { listTools } from './handlers/list-tools.ts';
import { readResource } from './handlers/read-resource.ts';
import { ParamsValidatingServer } from './params-validating-server.ts';
import type { McpServerOptions } from './server-options.ts';

/**
 * Creates an MCP server for one caller; it is the same for every transport and every revision of MCP. It is built on the
 * SDK's `Server`, because `McpServer` shows a model the messages of thrown errors and has no lists for one caller. It lists
 * only features that the granted scopes of the caller allow.
 */
export function createMcpServer(options: McpServerOptions): Server {
  const { info, features, extensions } = options;
  const { title, instructions } = features;
  const capabilities = findCapabilities(features, extensions);
  const server = new ParamsValidatingServer(
    { ...info, ...(title && { title }) },
    {
      capabilities,
      cacheHints: CACHE_HINTS,
      // a server without sessions cannot ask clients of earlier revisions
      inputRequired: { legacyShim: false },
      ...(instructions && { instructions }),
    },
  );

  server.setRequestHandler('tools/list', () => listTools(options));
  server.setRequestHandler('tools/call', ({ params }, ctx) => callTool(options, params, ctx));
  if (capabilities.resources !== undefined) {
    server.setRequestHandler('resources/list', () => listResources(options));
    server.setRequestHandler('resources/templates/list', () => listResourceTemplates(options));
    server.setRequestHandler('resources/read', ({ params }, ctx) => readResource(options, params, ctx));
  }
  if (capabilities.prompts !== undefined) {
    server.setRequestHandler('prompts/list', () => listPrompts(options));
    server.setRequestHandler('prompts/get', ({ params }, ctx) => getPrompt(options, params, ctx));
  }
  if (capabilities.completions !== undefined)
    server.setRequestHandler('completion/complete', ({ params }, ctx) => complete(options, params, ctx));
  return server;
}

function findCapabilities(
  { resources, prompts }: ServerFeatures,
  transportExtensions: ServerCapabilities['extensions'],
): ServerCapabilities {
  const completions = [...resources, ...prompts].some(hasCompletions);
  const views = resources.some(({ mimeType }) => mimeType === VIEW_MIME_TYPE);
  const extensions = { ...(views && { [MCP_APPS_EXTENSION]: {} }), ...transportExtensions };
  return {
    tools: {},
    ...(resources.length > 0 && { resources: {} }),
    ...(prompts.length > 0 && { prompts: {} }),
    ...(completions && { completions: {} }),
    ...(Object.keys(extensions).length > 0 && { extensions }),
  };
}
