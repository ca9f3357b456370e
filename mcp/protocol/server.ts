import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  type ServerCapabilities,
} from '@modelcontextprotocol/sdk/types.js';
import { hasCompletions, type ServerFeatures } from '../features.ts';
import { MCP_APPS_EXTENSION, VIEW_MIME_TYPE } from '../mcp-apps.ts';
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
 * Creates an MCP server (2025-11-25) for one caller; it is the same for every transport. It is built on the SDK's `Server`,
 * because `McpServer` answers an unknown tool with a result, shows a model the messages of thrown errors, and writes
 * schemas of an older draft. It lists only features that the granted scopes of the caller allow.
 */
export function createMcpServer(options: McpServerOptions): Server {
  const { info, features, extensions } = options;
  const { title, instructions } = features;
  const capabilities = findCapabilities(features, extensions);
  const server = new ParamsValidatingServer({ ...info, ...(title && { title }) }, { capabilities, instructions });

  server.setRequestHandler(ListToolsRequestSchema, () => listTools(options));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => callTool(options, params, extra));
  if (capabilities.resources !== undefined) {
    server.setRequestHandler(ListResourcesRequestSchema, () => listResources(options));
    server.setRequestHandler(ListResourceTemplatesRequestSchema, () => listResourceTemplates(options));
    server.setRequestHandler(ReadResourceRequestSchema, ({ params }, extra) => readResource(options, params, extra));
  }
  if (capabilities.prompts !== undefined) {
    server.setRequestHandler(ListPromptsRequestSchema, () => listPrompts(options));
    server.setRequestHandler(GetPromptRequestSchema, ({ params }, extra) => getPrompt(options, params, extra));
  }
  if (capabilities.completions !== undefined)
    server.setRequestHandler(CompleteRequestSchema, ({ params }, extra) => complete(options, params, extra));
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
