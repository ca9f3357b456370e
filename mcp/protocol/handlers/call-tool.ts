import {
  type CallToolRequest,
  type CallToolResult,
  type InputRequiredResult,
  isInputRequiredResult,
  ProtocolErrorCode,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { describeFailure, isServiceFailure } from '../../failure.ts';
import type { ToolCallResult } from '../../measure-tool-calls.ts';
import { READ_ONLY_META_KEY } from '../../meta-keys.ts';
import { createErrorResult } from '../../tools/error-result.ts';
import { canOnlyRead } from '../granted-features.ts';
import { ProtocolError } from '../protocol-error.ts';
import { createFeatureContext } from '../run-feature.ts';
import type { McpServerOptions } from '../server-options.ts';

/**
 * Answers `tools/call`. A failure is logged, and sent as an error result, which the host shows to the model.
 * @throws {ProtocolError} -32602 when no tool has this name, or what the tool threw.
 */
export async function callTool(
  { features: { tools }, caller, findGrantedScopes, logger, observeToolCall }: McpServerOptions,
  params: CallToolRequest['params'],
  ctx: ServerContext,
): Promise<CallToolResult | InputRequiredResult> {
  const tool = tools.find(({ name }) => name === params.name);
  if (tool === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no tool with this name');
  const start = performance.now();
  const observe = (result: ToolCallResult) => observeToolCall?.(tool.name, result, (performance.now() - start) / 1000);
  try {
    const result = await tool.call(params.arguments, createFeatureContext(caller, ctx));
    // the call goes on with another request
    if (isInputRequiredResult(result)) return result;
    // a View cannot list the tools, and would show controls for calls that are rejected
    const isReadOnly = tool.meta?.ui !== undefined && (await canOnlyRead(tools, findGrantedScopes));
    observe(result.isError === true ? 'rejected' : 'success');
    if (!isReadOnly) return result;
    return { ...result, _meta: { ...result._meta, [READ_ONLY_META_KEY]: true } };
  } catch (err) {
    // the request was cancelled: nothing is sent
    if (ctx.mcpReq.signal.aborted) {
      observe('cancelled');
      throw err;
    }
    if (err instanceof ProtocolError) {
      observe('rejected');
      throw err;
    }
    const failure = describeFailure(err, { scope: tool.scope, readOnly: tool.annotations.readOnlyHint });
    const isFault = isServiceFailure(failure.reason);
    observe(isFault ? 'error' : 'rejected');
    const call = { tool: tool.name, code: failure.reason.code, err };
    if (isFault) logger.warn({ event: 'tool_call.failed', ...call }, failure.text);
    else logger.debug({ event: 'tool_call.rejected', ...call }, failure.text);
    return createErrorResult(failure);
  }
}
