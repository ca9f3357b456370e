import {
  ProtocolErrorCode,
  type ReadResourceRequest,
  type ReadResourceResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { ProtocolError } from '../protocol-error.ts';
import { runFeature } from '../run-feature.ts';
import type { McpServerOptions } from '../server-options.ts';

/** The error code for a URI without a resource (MCP 2025-11-25, Resources). */
const RESOURCE_NOT_FOUND = -32002;

/**
 * Answers `resources/read`.
 * @throws {ProtocolError} -32002 when there is no resource with this URI, -32602 when its parameters are wrong.
 */
export async function readResource(
  options: McpServerOptions,
  { uri }: ReadResourceRequest['params'],
  ctx: ServerContext,
): Promise<ReadResourceResult> {
  const resource = options.features.resources.find(({ matches }) => matches(uri));
  const problem = resource?.problemOf?.(uri);
  if (problem !== undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `resources/read: ${problem}`);
  const contents = resource && (await runFeature(options, resource, ctx, (context) => resource.read(uri, context)));
  if (resource === undefined || contents === undefined)
    throw new ProtocolError(RESOURCE_NOT_FOUND, 'There is no resource with this URI');
  return { contents: [{ ...contents, ...(resource.meta && { _meta: resource.meta }) }] };
}
