import { ProtocolErrorCode, type ServerContext } from '@modelcontextprotocol/server';
import type { Scope } from '../../shared/scopes.ts';
import { describeFailure, isServiceFailure } from '../failure.ts';
import type { Caller, FeatureContext } from '../feature-context.ts';
import { ProtocolError } from './protocol-error.ts';
import type { McpServerOptions } from './server-options.ts';

/** Creates the context of one request. It can report progress when the request has a progress token. */
export function createFeatureContext(
  caller: Caller,
  { mcpReq: { signal, _meta, notify } }: ServerContext,
): FeatureContext {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return { ...caller, signal };
  return {
    ...caller,
    signal,
    reportProgress: (progress, total, message) =>
      notify({ method: 'notifications/progress', params: { progressToken, progress, total, message } }),
  };
}

/**
 * Runs a resource or a prompt. A failure is logged, and sent as error -32603 with its reason as data.
 * @throws {ProtocolError} or, when the request was cancelled, what the feature threw.
 */
export async function runFeature<Result>(
  { caller, logger }: McpServerOptions,
  feature: { readonly name: string; readonly scope: Scope | undefined },
  ctx: ServerContext,
  run: (context: FeatureContext) => Promise<Result>,
): Promise<Result> {
  try {
    return await run(createFeatureContext(caller, ctx));
  } catch (err) {
    if (ctx.mcpReq.signal.aborted) throw err;
    const { text, reason } = describeFailure(err, { scope: feature.scope, readOnly: true });
    const request = { feature: feature.name, code: reason.code, err };
    if (isServiceFailure(reason)) logger.warn({ event: 'mcp_request.failed', ...request }, text);
    else logger.debug({ event: 'mcp_request.rejected', ...request }, text);
    throw new ProtocolError(ProtocolErrorCode.InternalError, text, { data: reason, cause: err });
  }
}
