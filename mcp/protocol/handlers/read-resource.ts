import {
  ProtocolErrorCode,
  type ReadResourceRequest,
  type ReadResourceResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { THROWN_RESOURCE_NOT_FOUND } from '../2025-11-25/resource-not-found.ts';
import { ProtocolError } from '../protocol-error.ts';
import { runFeature } from '../run-feature.ts';
import type { McpServerOptions } from '../server-options.ts';

/**
 * Answers `resources/read`.
 * @throws {ProtocolError} -32602 when its parameters are wrong. When there is no resource with this URI, the code is that of
 * the revision: -32602, or -32002 before 2026-07-28.
 */
export async function readResource(
  options: McpServerOptions,
  { uri }: ReadResourceRequest['params'],
  ctx: ServerContext,
): Promise<ReadResourceResult> {
  const isEarlier = ctx.mcpReq.envelope === undefined;
  const resource = options.features.resources.find(({ matches }) => matches(uri));
  const problem = resource?.problemOf?.(uri);
  if (problem !== undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `resources/read: ${problem}`);
  const contents = resource && (await runFeature(options, resource, ctx, (context) => resource.read(uri, context)));
  if (resource === undefined || contents === undefined)
    throw new ProtocolError(
      isEarlier ? THROWN_RESOURCE_NOT_FOUND : ProtocolErrorCode.InvalidParams,
      'There is no resource with this URI',
    );
  return { contents: [{ ...contents, ...(resource.meta && { _meta: resource.meta }) }] };
}
