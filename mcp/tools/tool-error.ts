import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { AccessTokenRejectedError } from '../../shared/oauth-client/token-request.ts';
import { AuthorizationServerUnavailableError } from '../../shared/resource-server/issuer.ts';
import type { Scope } from '../../shared/scopes.ts';
import { TodoApiError } from '../todo-api/todo-api-error.ts';

/** A result that tells the model what went wrong and what to do next. */
export function toolError(text: string): CallToolResult {
  return { isError: true, content: [{ type: 'text', text }] };
}

/**
 * What the model is told when a call failed. The words are all ours: an error's own message may hold what a stranger
 * wrote, or what only an operator should read.
 */
export function describeFailure(error: unknown, scope: Scope): string {
  if (error instanceof TodoApiError) return describeRefusal(error, scope);
  if (error instanceof AccessTokenRejectedError) {
    return (
      `The authorization server gave this MCP server no access token (${errorCode(error)}). Nothing was done, and trying ` +
      `again will not help. Tell the user that ${ADVICE[error.error] ?? 'the client id and secret of this MCP server must be checked'}.`
    );
  }
  if (error instanceof AuthorizationServerUnavailableError) {
    return 'The authorization server is out of reach. Nothing was done. Try again in a few seconds.';
  }
  return 'The MCP server failed. Look with list_todos at what was done before you try again.';
}

/** What is to be mended, where it is not the client's credentials. */
const ADVICE: Record<string, string> = {
  invalid_scope: 'the client of this MCP server must be given the scopes todos:read and todos:write',
  invalid_target:
    'the client of this MCP server must be allowed the resource of the todo API, and API_RESOURCE checked',
  unauthorized_client: 'the client of this MCP server must be allowed the grant type that it uses',
};

function describeRefusal(
  { status, currentVersion: version, invalidCursor: foreignCursor, operations }: TodoApiError,
  scope: Scope,
): string {
  if (operations.size > 0) return describeOperations(operations);
  if (foreignCursor)
    return 'The cursor is none of this list. Give the next_cursor of the page before with all else the same, or none to begin anew.';
  switch (status) {
    case 403:
      return `The access token does not allow this. Nothing was done. Tell the user that the scope ${scope} is needed.`;
    case 404:
      return 'There is no todo with this id. Call list_todos to see the todos there are, with their ids.';
    case 409:
      return 'A call with this idempotency_key is under way. Nothing was done by this one. Make it again in a few seconds.';
    case 412:
      return `The todo was changed since${version === undefined ? '' : `: it is of version ${version} now`}. Nothing was done. Read it with get_todo, and decide anew.`;
    case 422:
      return 'This idempotency_key was used for another call. Nothing was done. Use a new key for what is new.';
    case 429:
      return 'Too many requests. Nothing was done. Try again in a minute.';
    case 503:
      return 'The todo API is out of reach. Look with list_todos at what was done before you try again in a few seconds.';
    default:
      return status < 500
        ? 'The todo API refused the request as not valid. Nothing was done. Check the arguments against the input schema.'
        : 'The todo API failed. Look with list_todos at what was done before you try again.';
  }
}

function describeOperations(operations: TodoApiError['operations']): string {
  const reasons = [...operations].map(([index, { status, currentVersion: version }]) => {
    switch (status) {
      case 404:
        return `operations.${index}: there is no todo with this id.`;
      case 412:
        return `operations.${index}: the todo was changed since${version === undefined ? '' : `, and is of version ${version} now`}.`;
      default:
        return `operations.${index}: it was refused.`;
    }
  });
  return `Nothing was done, not the other operations either. ${reasons.join(' ')} Call list_todos, and send a batch that fits.`;
}

/** The error codes that are repeated are those of the specification (RFC 6749 §5.2). */
function errorCode({ error }: AccessTokenRejectedError): string {
  const codes = ['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type'];
  return [...codes, 'invalid_scope', 'invalid_target', 'invalid_token'].includes(error) ? error : 'unknown error';
}
