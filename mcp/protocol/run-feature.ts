import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { ErrorCode, type ServerNotification, type ServerRequest } from '@modelcontextprotocol/sdk/types.js';
import type { Scope } from '../../shared/scopes.ts';
import { describeFailure, isServiceFailure } from '../failure.ts';
import type { Caller, FeatureContext } from '../feature-context.ts';
import { ProtocolError } from './protocol-error.ts';
import type { McpServerOptions } from './server-options.ts';

/** What the SDK gives a handler beside the request. */
export type RequestExtra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** Creates the context of one request. It can report progress when the request has a progress token. */
export function createFeatureContext(
  caller: Caller,
  { signal, _meta, sendNotification }: RequestExtra,
): FeatureContext {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return { ...caller, signal };
  return {
    ...caller,
    signal,
    reportProgress: (progress, total, message) =>
      sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total, message } }),
  };
}

/**
 * Runs a resource or a prompt. A failure is logged, and sent as error -32603 with its reason as data.
 * @throws {ProtocolError} or, when the request was cancelled, what the feature threw.
 */
export async function runFeature<Result>(
  { caller, logger }: McpServerOptions,
  feature: { readonly name: string; readonly scope: Scope | undefined },
  extra: RequestExtra,
  run: (context: FeatureContext) => Promise<Result>,
): Promise<Result> {
  try {
    return await run(createFeatureContext(caller, extra));
  } catch (err) {
    if (extra.signal.aborted) throw err;
    const { text, reason } = describeFailure(err, { scope: feature.scope, readOnly: true });
    const request = { feature: feature.name, code: reason.code, err };
    if (isServiceFailure(reason)) logger.warn({ event: 'mcp_request.failed', ...request }, text);
    else logger.debug({ event: 'mcp_request.rejected', ...request }, text);
    throw new ProtocolError(ErrorCode.InternalError, text, { data: reason, cause: err });
  }
}
