import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  ProtocolErrorCode,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Scope } from '../../shared/scopes.ts';
import { describeFailure, isServiceFailure } from '../failure.ts';
import type { Caller, FeatureContext, InputContext } from '../feature-context.ts';
import { ProtocolError } from './protocol-error.ts';
import type { McpServerOptions } from './server-options.ts';

/** Creates the context of one request. It can report progress when the request has a progress token. */
export function createFeatureContext(caller: Caller, { mcpReq }: ServerContext): FeatureContext {
  const { signal, _meta, notify } = mcpReq;
  const progressToken = _meta?.progressToken;
  const input = findInput(mcpReq);
  return {
    ...caller,
    signal,
    ...(input && { input }),
    ...(progressToken !== undefined && {
      reportProgress: (progress, total, message) =>
        notify({ method: 'notifications/progress', params: { progressToken, progress, total, message } }),
    }),
  };
}

/** Only a revision whose requests name the capabilities of the client can ask for input. */
function findInput({ envelope, inputResponses, requestState }: ServerContext['mcpReq']): InputContext | undefined {
  // the SDK has checked it, and its type leaves it out
  const clientCapabilities: ClientCapabilities | undefined = Object(envelope)[CLIENT_CAPABILITIES_META_KEY];
  if (clientCapabilities === undefined) return undefined;
  return { clientCapabilities, responses: inputResponses ?? {}, state: requestState() };
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
