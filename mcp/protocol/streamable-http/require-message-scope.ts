import type { Middleware } from 'koa';
import type { Challenges } from '../../../shared/resource-server/challenge.ts';
import type { Scope } from '../../../shared/scopes.ts';
import { hasCompletions, type ServerFeatures } from '../../features.ts';
import type { JsonRpcMessage } from './json-rpc.ts';
import type { McpState } from './mcp-state.ts';

/**
 * Rejects a message with 403 `insufficient_scope` (RFC 6750 §3.1) when its access token was not granted the scope of the
 * feature, before anything is done. Clients request more scopes after a 403, and not after an error result.
 */
export function requireMessageScope(challenges: Challenges): Middleware<McpState> {
  return function requireMessageScope(ctx, next) {
    const scope = findRequiredScope(ctx.state.features, ctx.state.body);
    if (scope !== undefined && !ctx.state.accessToken.scopes.has(scope))
      throw challenges.insufficientScope([scope], ctx.state.accessToken);
    return next();
  };
}

/** Finds the scope of the tool, resource or prompt that a message uses. */
function findRequiredScope(
  { tools, resources, prompts }: ServerFeatures,
  { method, params = {} }: JsonRpcMessage,
): Scope | undefined {
  switch (method) {
    case 'tools/call':
      return tools.find(({ name }) => name === params.name)?.scope;
    case 'resources/read':
      return resources.find(({ matches }) => matches(String(params.uri)))?.scope;
    case 'prompts/get':
      return prompts.find(({ name }) => name === params.name)?.scope;
    case 'completion/complete': {
      const { type, name, uri } = Object(params.ref);
      const referenced =
        type === 'ref/prompt'
          ? prompts.find((prompt) => prompt.name === name)
          : resources.find(({ address }) => 'uriTemplate' in address && address.uriTemplate === uri);
      // an unknown reference needs the scope of a feature that has completions: without it the answer is 403 in any case
      return (referenced ?? [...resources, ...prompts].find(hasCompletions))?.scope;
    }
    default:
      return undefined;
  }
}
