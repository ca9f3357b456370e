import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CallToolRequestSchema,
  type CompleteRequest,
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  type ServerCapabilities,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import type { Logger } from 'pino';
import type { Scope } from '../../shared/scopes.ts';
import type { ServerFeatures } from '../features.ts';
import type { Prompt } from '../prompts/prompt.ts';
import type { Resource } from '../resources/resource.ts';
import type { TodoApi } from '../todo-api/todo-api.ts';
import type { ToolContext } from '../tools/tool.ts';
import { describeFailure, toolError } from '../tools/tool-error.ts';
import { invalidParams } from './invalid-params.ts';
import { MCP_APPS_EXTENSION, READ_ONLY_HINT, VIEW_MIME_TYPE } from './mcp-apps.ts';
import { ProtocolError } from './protocol-error.ts';

/** What an MCP client is told of the server. */
export type ServerInfo = { readonly name: string; readonly version: string };

const INSTRUCTIONS =
  'The todo list of one person. Ids come from list_todos; nothing else needs to be known beforehand. Times are UTC.';

/** What a caller may do: the scopes that were granted, or undefined when that is not known before it is tried. */
export type GrantedScopes = () => Promise<ReadonlySet<string> | undefined>;

/**
 * Creates an MCP server for the todos of one caller: the same for every transport. It is the SDK's plain `Server`, for
 * `McpServer` answers an unknown tool with a result, passes the messages of thrown errors on to the model, and writes
 * schemas of an older draft. What the caller may not do is not listed to it.
 */
export function createMcpServer({
  todos,
  info,
  features: { tools, resources, prompts },
  grantedScopes,
  extensions,
  logger,
}: {
  todos: TodoApi;
  info: ServerInfo;
  features: ServerFeatures;
  grantedScopes: GrantedScopes;
  /** What the transport supports beyond the core protocol. */
  extensions?: ServerCapabilities['extensions'];
  logger: Logger;
}): Server {
  const completions = [...resources, ...prompts].some(({ complete }) => complete !== undefined);
  const views = resources.some(({ mimeType }) => mimeType === VIEW_MIME_TYPE);
  const announced = { ...(views && { [MCP_APPS_EXTENSION]: {} }), ...extensions };
  const capabilities = {
    tools: {},
    ...(resources.length > 0 && { resources: {} }),
    ...(prompts.length > 0 && { prompts: {} }),
    ...(completions && { completions: {} }),
    ...(Object.keys(announced).length > 0 && { extensions: announced }),
  };
  const server = new ParamsCheckingServer(
    { ...info, title: 'yata todos' },
    { capabilities, instructions: INSTRUCTIONS },
  );

  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: (await permitted(tools)).map(
      ({ name, title, description, annotations, inputSchema, outputSchema, meta }) => ({
        name,
        title,
        description,
        annotations: { title, ...annotations },
        inputSchema,
        outputSchema,
        ...(meta && { _meta: meta }),
      }),
    ),
  }));

  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const tool = tools.find(({ name }) => name === params.name);
    if (tool === undefined) throw new ProtocolError(ErrorCode.InvalidParams, 'There is no tool of this name');
    try {
      const result = await tool.call(params.arguments, contextOf(extra));
      return tool.meta?.ui !== undefined && (await mayOnlyRead()) ? { ...result, _meta: READ_ONLY_HINT } : result;
    } catch (err) {
      // nobody waits for an answer
      if (extra.signal.aborted) throw err;
      logger.warn({ err, tool: tool.name }, 'a tool call failed');
      return toolError(describeFailure(err, tool.scope));
    }
  });

  if (resources.length > 0) {
    server.setRequestHandler(ListResourcesRequestSchema, async () => ({
      resources: (await permitted(resources)).flatMap(({ address, ...resource }) =>
        'uri' in address ? [{ uri: address.uri, ...toldOf(resource) }] : [],
      ),
    }));
    server.setRequestHandler(ListResourceTemplatesRequestSchema, async () => ({
      resourceTemplates: (await permitted(resources)).flatMap(({ address, ...resource }) =>
        'uriTemplate' in address ? [{ uriTemplate: address.uriTemplate, ...toldOf(resource) }] : [],
      ),
    }));
    server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }, extra) => {
      const resource = resources.find(({ matches }) => matches(uri));
      const contents = resource && (await orFailure(resource, () => resource.read(uri, contextOf(extra)), extra));
      if (resource === undefined || contents === undefined)
        throw new ProtocolError(RESOURCE_NOT_FOUND, 'There is no resource with this URI');
      return { contents: [{ ...contents, ...(resource.meta && { _meta: resource.meta }) }] };
    });
  }

  if (prompts.length > 0) {
    server.setRequestHandler(ListPromptsRequestSchema, async () => ({
      prompts: (await permitted(prompts)).map(({ name, title, description, arguments: args }) => ({
        name,
        title,
        description,
        arguments: [...args],
      })),
    }));
    server.setRequestHandler(GetPromptRequestSchema, async ({ params }, extra) => {
      const prompt = prompts.find(({ name }) => name === params.name);
      if (prompt === undefined) throw new ProtocolError(ErrorCode.InvalidParams, 'There is no prompt of this name');
      const args = params.arguments ?? {};
      requireArguments(prompt, args);
      const messages = await orFailure(prompt, () => prompt.get(args, contextOf(extra)), extra);
      return { description: prompt.description, messages };
    });
  }

  if (completions) {
    server.setRequestHandler(CompleteRequestSchema, async ({ params: { ref, argument } }, extra) => {
      const values = await findCompletions(ref, argument, extra);
      return {
        completion: { values: values.slice(0, COMPLETIONS_AT_MOST), hasMore: values.length > COMPLETIONS_AT_MOST },
      };
    });
  }
  return server;

  async function permitted<T extends { readonly scope: string | undefined }>(features: readonly T[]): Promise<T[]> {
    const granted = await grantedScopes();
    return features.filter(({ scope }) => granted === undefined || scope === undefined || granted.has(scope));
  }

  async function mayOnlyRead(): Promise<boolean> {
    return (await permitted(tools)).every(({ annotations }) => annotations.readOnlyHint);
  }

  function contextOf({ signal, _meta, sendNotification }: Extra): ToolContext {
    const progressToken = _meta?.progressToken;
    return {
      todos,
      signal,
      ...(progressToken !== undefined && {
        progress: (progress, total, message) =>
          sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total, message } }),
      }),
    };
  }

  /** What is neither a tool's nor a person's to read is told as an error of the protocol, in words of ours. */
  async function orFailure<T>(
    { name, scope = 'todos:read' }: { readonly name: string; readonly scope: Scope | undefined },
    work: () => Promise<T>,
    { signal }: Extra,
  ): Promise<T> {
    try {
      return await work();
    } catch (err) {
      if (signal.aborted) throw err;
      logger.warn({ err, feature: name }, 'a request failed');
      throw new ProtocolError(ErrorCode.InternalError, describeFailure(err, scope));
    }
  }

  async function findCompletions(
    ref: CompleteRequest['params']['ref'],
    { name, value }: CompleteRequest['params']['argument'],
    extra: Extra,
  ): Promise<string[]> {
    if (ref.type === 'ref/prompt') {
      const prompt = prompts.find((prompt) => prompt.name === ref.name);
      if (prompt === undefined) throw new ProtocolError(ErrorCode.InvalidParams, 'There is no prompt of this name');
      requireArgument(prompt.arguments.some((argument) => argument.name === name));
      return prompt.complete?.(name, value) ?? [];
    }
    const resource = resources.find(({ address }) => 'uriTemplate' in address && address.uriTemplate === ref.uri);
    if (resource === undefined)
      throw new ProtocolError(ErrorCode.InvalidParams, 'There is no resource template of this URI');
    requireArgument(ref.uri.includes(`{${name}}`));
    return orFailure(resource, async () => resource.complete?.(value, contextOf(extra)) ?? [], extra);
  }
}

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** The code of MCP for a resource that there is not. */
const RESOURCE_NOT_FOUND = -32002;

/** Values that a completion has at the most (MCP 2025-11-25, Completion). */
const COMPLETIONS_AT_MOST = 100;

function toldOf({ name, title, description, mimeType, meta }: Omit<Resource, 'address'>) {
  return { name, title, description, mimeType, ...(meta && { _meta: meta }) };
}

function requireArguments({ arguments: known }: Prompt, args: Readonly<Record<string, string>>): void {
  const missing = known.filter(({ name, required }) => required && args[name] === undefined).map(({ name }) => name);
  if (missing.length > 0)
    throw new ProtocolError(
      ErrorCode.InvalidParams,
      `prompts/get: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
    );
  const unknown = Object.keys(args).some((name) => !known.some((argument) => argument.name === name));
  const names = known.map(({ name }) => name).join(', ');
  if (unknown)
    throw new ProtocolError(ErrorCode.InvalidParams, `prompts/get: expected no arguments${names && ` but ${names}`}`);
}

function requireArgument(known: boolean): void {
  if (!known)
    throw new ProtocolError(ErrorCode.InvalidParams, 'completion/complete: there is no argument of this name');
}

/** The SDK answers params that are not valid as a failure of its own, with all that its schema has to say. */
class ParamsCheckingServer extends Server {
  override async connect(transport: Transport): Promise<void> {
    await super.connect(transport);
    const { onmessage } = transport;
    transport.onmessage = (message, extra) => {
      const error = invalidParams(message);
      if (error === undefined) onmessage?.(message, extra);
      else transport.send(error).catch((cause) => this.onerror?.(cause));
    };
  }
}
