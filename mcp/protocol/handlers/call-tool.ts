import { type CallToolRequest, type CallToolResult, ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import { describeFailure } from '../../failure.ts';
import { READ_ONLY_META_KEY } from '../../meta-keys.ts';
import { createErrorResult } from '../../tools/error-result.ts';
import { canOnlyRead } from '../granted-features.ts';
import { ProtocolError } from '../protocol-error.ts';
import { createFeatureContext, type RequestExtra } from '../run-feature.ts';
import type { McpServerOptions } from '../server-options.ts';

/**
 * Answers `tools/call`. A failure is logged, and sent as an error result, which the host shows to the model.
 * @throws {ProtocolError} -32602 when no tool has this name.
 */
export async function callTool(
  { features: { tools }, caller, findGrantedScopes, logger }: McpServerOptions,
  params: CallToolRequest['params'],
  extra: RequestExtra,
): Promise<CallToolResult> {
  const tool = tools.find(({ name }) => name === params.name);
  if (tool === undefined) throw new ProtocolError(ErrorCode.InvalidParams, 'There is no tool with this name');
  try {
    const result = await tool.call(params.arguments, createFeatureContext(caller, extra));
    // a View cannot list the tools, and would show controls for calls that are rejected
    if (tool.meta?.ui === undefined || !(await canOnlyRead(tools, findGrantedScopes))) return result;
    return { ...result, _meta: { ...result._meta, [READ_ONLY_META_KEY]: true } };
  } catch (err) {
    // the request was cancelled: nothing is sent
    if (extra.signal.aborted) throw err;
    const failure = describeFailure(err, { scope: tool.scope, readOnly: tool.annotations.readOnlyHint });
    logger.warn({ event: 'tool_call.failed', tool: tool.name, code: failure.reason.code, err }, failure.text);
    return createErrorResult(failure);
  }
}
