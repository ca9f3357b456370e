import {
  type CompleteRequest,
  type CompleteResult,
  ProtocolErrorCode,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { ProtocolError } from '../protocol-error.ts';
import { runFeature } from '../run-feature.ts';
import type { McpServerOptions } from '../server-options.ts';

/** The most values of a completion (MCP 2025-11-25, Completion). */
const MAX_VALUES = 100;

/**
 * Answers `completion/complete`.
 * @throws {ProtocolError} -32602 when there is no such prompt, resource template or argument.
 */
export async function complete(
  options: McpServerOptions,
  params: CompleteRequest['params'],
  ctx: ServerContext,
): Promise<CompleteResult> {
  const values = await findValues(options, params, ctx);
  return { completion: { values: values.slice(0, MAX_VALUES), hasMore: values.length > MAX_VALUES } };
}

async function findValues(
  options: McpServerOptions,
  { ref, argument: { name, value } }: CompleteRequest['params'],
  ctx: ServerContext,
): Promise<string[]> {
  const { prompts, resources } = options.features;
  if (ref.type === 'ref/prompt') {
    const prompt = prompts.find((prompt) => prompt.name === ref.name);
    if (prompt === undefined)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no prompt with this name');
    const argument = prompt.arguments.find((argument) => argument.name === name);
    requireArgument(argument !== undefined);
    return argument?.complete?.(value) ?? [];
  }
  const resource = resources.find(({ address }) => 'uriTemplate' in address && address.uriTemplate === ref.uri);
  if (resource === undefined)
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no resource template with this URI');
  requireArgument(ref.uri.includes(`{${name}}`) || ref.uri.includes(`{?${name}}`));
  return runFeature(options, resource, ctx, async (context) => resource.complete?.(value, context) ?? []);
}

function requireArgument(exists: boolean): void {
  if (!exists)
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      'completion/complete: there is no argument with this name',
    );
}
