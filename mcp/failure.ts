import type { FieldProblem } from '../shared/http/http-error.ts';
import { AccessTokenRejectedError, TooManyTokenRequestsError } from '../shared/oauth-client/token-request.ts';
import { AuthorizationServerUnavailableError } from '../shared/resource-server/issuer.ts';
import type { Scope } from '../shared/scopes.ts';
import { RETENTION_DAYS } from '../shared/todo/limits.ts';
import { UnknownFormatError, UnreadableFileError } from '../shared/todo-formats/file-errors.ts';
import { ImportInterruptedError } from '../shared/todo-import/import-in-parts.ts';
import { CALLER_REJECTED } from './access-tokens/detect-rejection.ts';
import { explainConnectionFailure } from './connection-failure.ts';
import { type RejectedOperation, TodoApiError, type WrongAddress } from './todo-api/todo-api-error.ts';

/** Why a request failed: for a model in a text, for a program in `reason`. */
export type Failure = {
  /** What happened, and what to do next. */
  readonly text: string;
  readonly reason: FailureReason;
};

/** The reason of a failure as data. Codes of problem details are used with the same meaning. */
type FailureReason = {
  readonly code: FailureCode;
  /** Whether the same request can succeed later. */
  readonly retryable: boolean;
  /** The version that the todo has now. */
  readonly current_version?: number | undefined;
  /** The most that the todo API stores for the user. */
  readonly limit?: number;
  readonly unit?: 'todos' | 'bytes';
  /** The scope that the access token needs. */
  readonly scope?: Scope;
  /** The error code with which the authorization server rejected the request for an access token (RFC 6749 §5.2). */
  readonly oauth_error?: string;
  /** Seconds after which the same request can succeed. */
  readonly retry_after?: number;
  /** The arguments that are not valid. */
  readonly errors?: readonly FieldProblem[];
  /** The rejected operations of a batch. */
  readonly operations?: readonly {
    readonly index: number;
    readonly code: FailureCode;
    readonly current_version?: number | undefined;
  }[];
};

type FailureCode = keyof typeof FAILURES;

/** Failures that are faults of mcp, auth or api, or of how they are set up. Others are those of a caller. */
const SERVICE_FAILURES: ReadonlySet<FailureCode> = new Set([
  'not_found',
  'database_unavailable',
  'access_token_rejected',
  'too_many_token_requests',
  'authorization_server_unavailable',
  'todo_api_unavailable',
  'todo_api_failed',
  'internal_error',
]);

/** Whether an operator should look at a failure. A caller whose access token is revoked gets a 401 or this failure. */
export function isServiceFailure({ code, oauth_error: error }: FailureReason): boolean {
  if (code === 'access_token_rejected' && error !== undefined && CALLER_REJECTED.has(error)) return false;
  return SERVICE_FAILURES.has(code);
}

/**
 * `text` is used when the functions below write no text with details of the failure. `readText` replaces it for a feature
 * that only reads, after which there is no write to look for.
 */
type FailureDefinition = { readonly retryable: boolean; readonly text: string; readonly readText?: string };

/** Every failure. The texts are short and literal, because models pay for each byte. */
const FAILURES = {
  invalid_arguments: { retryable: false, text: 'The arguments are not valid. Nothing was done.' },
  invalid_request: {
    retryable: false,
    text: 'The todo API rejected the request. Nothing was done. Compare the arguments with the input schema.',
  },
  invalid_cursor: {
    retryable: false,
    text: 'The cursor does not belong to this list. Send the next_cursor of the previous page with the same other arguments, or no cursor to start again.',
  },
  insufficient_scope: {
    retryable: false,
    text: 'The access token lacks a scope. Nothing was done. Tell the user.',
  },
  todo_not_found: {
    retryable: false,
    text: 'There is no todo with this id. Call list_todos to get the ids.',
  },
  not_found: {
    retryable: false,
    text: 'The todo API was not found at its address. Nothing was done. Tell the user to check API_BASE_URL of this MCP server.',
  },
  idempotency_key_in_use: {
    retryable: true,
    text: 'A call with this idempotency_key is still running. This call did nothing. Repeat it in a few seconds.',
  },
  version_mismatch: {
    retryable: false,
    text: 'The todo has changed. Nothing was done. Call get_todo, then decide again.',
  },
  content_too_large: {
    retryable: false,
    text: 'The call is too large for the todo API. Nothing was done. Send fewer or shorter todos.',
  },
  batch_rejected: {
    retryable: false,
    text: 'The batch was rejected. None of its operations was done. Call list_todos, then send a corrected batch.',
  },
  operation_not_executed: { retryable: false, text: 'Another operation of the batch was rejected.' },
  idempotency_key_reused: {
    retryable: false,
    text: 'This idempotency_key was used for a different call. Nothing was done. Use a new key.',
  },
  quota_exceeded: {
    retryable: false,
    text: 'The user has stored as much as the todo API allows. Nothing was done. Do not retry. Tell the user.',
  },
  idempotency_quota_exceeded: {
    retryable: false,
    text: 'Too many calls with an idempotency_key in 24 hours. Nothing was done. Send the call again without idempotency_key.',
  },
  rate_limited: { retryable: true, text: 'Too many requests. Nothing was done. Retry in a minute.' },
  too_many_concurrent_requests: {
    retryable: true,
    text: 'Too many concurrent requests for this user. Nothing was done. Retry in a few seconds.',
  },
  too_many_concurrent_writes: {
    retryable: true,
    text: 'Too many concurrent writes for this user. Nothing was done. Retry in a few seconds.',
  },
  database_unavailable: {
    retryable: true,
    text: 'The database of the todo API is unavailable. Call list_todos to see what was done, then retry.',
    readText: 'The database of the todo API is unavailable. Retry in a few seconds.',
  },
  access_token_rejected: {
    retryable: false,
    text: 'This MCP server got no access token. Nothing was done. Do not retry. Tell the user.',
  },
  too_many_token_requests: {
    retryable: true,
    text: 'The authorization server limits the requests of this MCP server. Nothing was done. Retry in a minute.',
  },
  authorization_server_unavailable: {
    retryable: true,
    text: 'The authorization server cannot be reached. Nothing was done. Retry in a few seconds.',
  },
  todo_api_unavailable: {
    retryable: true,
    text: 'The todo API cannot be reached. Call list_todos to see what was done, then retry.',
    readText: 'The todo API cannot be reached. Retry in a few seconds.',
  },
  todo_api_failed: {
    retryable: true,
    text: 'The todo API failed. Call list_todos to see what was done before you retry.',
    readText: 'The todo API failed. Retry once.',
  },
  internal_error: {
    retryable: true,
    text: 'The MCP server failed. Call list_todos to see what was done before you retry.',
    readText: 'The MCP server failed. Retry once.',
  },
} as const satisfies Record<string, FailureDefinition>;

/**
 * Describes an error that a tool, a resource or a prompt threw. Every word is written here: the message of an error may
 * repeat untrusted text, which a model could take for an instruction, or details for an operator.
 * @param feature the scope that it needs, and whether it only reads.
 */
export function describeFailure(
  error: unknown,
  { scope, readOnly }: { scope: Scope | undefined; readOnly: boolean },
): Failure {
  const failure = classify(error, scope, readOnly);
  const definition: FailureDefinition = FAILURES[failure.reason.code];
  // a text with details of the failure is the same for every feature
  if (!readOnly || definition.readText === undefined || failure.text !== definition.text) return failure;
  return { ...failure, text: definition.readText };
}

function classify(error: unknown, scope: Scope | undefined, readOnly: boolean): Failure {
  if (error instanceof TodoApiError && error.wrongAddress !== undefined)
    return describeWrongAddress(error.wrongAddress);
  if (error instanceof TodoApiError && error.address !== undefined)
    return describeUnreachableTodoApi(error.address, error.cause, readOnly);
  if (error instanceof TodoApiError) return describeTodoApiError(error, scope);
  if (error instanceof ImportInterruptedError)
    return describeInterruptedImport(error, classify(error.cause, scope, readOnly));
  if (error instanceof UnreadableFileError || error instanceof UnknownFormatError) return describeContent(error);
  if (error instanceof AccessTokenRejectedError) return describeAccessTokenRejection(error);
  if (error instanceof TooManyTokenRequestsError) return describeTooManyTokenRequests(error);
  if (error instanceof AuthorizationServerUnavailableError) return describeUnavailableAuthorizationServer(error);
  return createFailure('internal_error');
}

/** Describes arguments that do not match the input schema of a tool. */
export function describeInvalidArguments(tool: string, errors: readonly FieldProblem[]): Failure {
  const problems = errors.map(({ field, expected }) => `${field}: expected ${expected}.`).join(' ');
  const text = `The arguments of ${tool} are not valid. ${problems} Nothing was done.`;
  return createFailure('invalid_arguments', { text, members: { errors } });
}

/** The messages of these errors are written by yata. They repeat nothing of the content but names of fields and components. */
function describeContent({ message }: UnreadableFileError | UnknownFormatError): Failure {
  return createFailure('invalid_arguments', {
    text: `The content cannot be imported. ${message}. Nothing was done.`,
    members: { errors: [{ field: 'content', expected: 'the content of a file that another todo program exported' }] },
  });
}

/** Says what was done before the failure. */
function describeInterruptedImport({ counts, total }: ImportInterruptedError, failure: Failure): Failure {
  const done = counts.created + counts.skipped;
  if (done === 0) return failure;
  const reason = failure.text.replace(' Nothing was done.', '');
  const next = failure.reason.retryable ? ' The same call imports the rest.' : '';
  return { ...failure, text: `${done} of ${total} todos were imported. The rest was not: ${reason}${next}` };
}

function createFailure(
  code: FailureCode,
  {
    text = FAILURES[code].text,
    members = {},
  }: { text?: string; members?: Omit<FailureReason, 'code' | 'retryable'> } = {},
): Failure {
  return { text, reason: { code, retryable: FAILURES[code].retryable, ...members } };
}

function describeTodoApiError(error: TodoApiError, scope: Scope | undefined): Failure {
  if (error.operations.size > 0) return describeBatchRejection(error.operations);
  const code = failureCode(error);
  switch (code) {
    case 'insufficient_scope':
      return scope === undefined
        ? createFailure(code)
        : createFailure(code, {
            text: `The access token lacks the scope ${scope}. Nothing was done. Tell the user that ${scope} must be granted.`,
            members: { scope },
          });
    case 'version_mismatch': {
      const { currentVersion } = error;
      return currentVersion === undefined
        ? createFailure(code)
        : createFailure(code, {
            text: `The todo has changed: its version is now ${currentVersion}. Nothing was done. Call get_todo, then decide again.`,
            members: { current_version: currentVersion },
          });
    }
    case 'quota_exceeded': {
      const { quota } = error;
      return quota === undefined
        ? createFailure(code)
        : createFailure(code, {
            text: `The user has stored as much as the todo API allows: ${quota.limit} ${quota.unit === 'todos' ? 'todos' : 'bytes of text'}. Nothing was done. Do not retry. Tell the user. Deleted todos count for ${RETENTION_DAYS} days.`,
            members: quota,
          });
    }
    default:
      return createFailure(code);
  }
}

/** Says which address is wrong, and what the address of the todo API is. */
function describeWrongAddress({ address, resourceOrigin }: WrongAddress): Failure {
  return createFailure('not_found', {
    text:
      resourceOrigin === undefined
        ? `There is no todo API at ${address}. Nothing was done. Tell the user to correct API_BASE_URL of this MCP server.`
        : `The server at ${address} says that its resource identifier has the origin ${resourceOrigin}. Nothing was done. Tell the user to set API_BASE_URL of this MCP server to ${resourceOrigin}, if they trust it.`,
  });
}

/** Says which server gave no response, and why. A request that was not sent has changed nothing. */
function describeUnreachableTodoApi(address: string, cause: unknown, readOnly: boolean): Failure {
  const { reason, maybeSent } = explainConnectionFailure(cause);
  const next = readOnly
    ? RETRY_OR_TELL
    : maybeSent
      ? 'Call list_todos to see what was done, then retry.'
      : `Nothing was done. ${RETRY_OR_TELL}`;
  return createFailure('todo_api_unavailable', {
    text: `The todo API at ${address} cannot be reached${reason === undefined ? '' : `: ${reason}`}. ${next}`,
  });
}

function describeUnavailableAuthorizationServer({ address, cause }: AuthorizationServerUnavailableError): Failure {
  const { reason } = explainConnectionFailure(cause);
  const server = address === undefined ? '' : ` at ${new URL(address).origin}`;
  return createFailure('authorization_server_unavailable', {
    text: `The authorization server${server} cannot be reached${reason === undefined ? '' : `: ${reason}`}. Nothing was done. ${RETRY_OR_TELL}`,
  });
}

const RETRY_OR_TELL = 'Retry in a few seconds; if that fails, tell the user.';

function describeBatchRejection(operations: TodoApiError['operations']): Failure {
  const rejected = [...operations].map(([index, operation]) => ({
    index,
    code: failureCode(operation),
    current_version: operation.currentVersion,
  }));
  const reasons = rejected.map(({ index, code, current_version }) => {
    switch (code) {
      case 'todo_not_found':
        return `operations.${index}: there is no todo with this id.`;
      case 'version_mismatch':
        return `operations.${index}: the todo has changed${current_version === undefined ? '' : `, its version is now ${current_version}`}.`;
      default:
        return `operations.${index}: the todo API rejected it.`;
    }
  });
  return createFailure('batch_rejected', {
    text: `The batch was rejected. None of its operations was done. ${reasons.join(' ')} Call list_todos, then send a corrected batch.`,
    members: { operations: rejected },
  });
}

/** The code of a rejection by the API, or the code for the status when a proxy rejected the request. */
function failureCode({ status, code, invalidCursor }: RejectedOperation & { invalidCursor?: boolean }): FailureCode {
  if (invalidCursor) return 'invalid_cursor';
  if (code !== undefined && isFailureCode(code)) return code;
  return CODES_BY_STATUS[status] ?? (status < 500 ? 'invalid_request' : 'todo_api_failed');
}

function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(FAILURES, code) && code !== 'internal_error';
}

const CODES_BY_STATUS: Readonly<Record<number, FailureCode>> = {
  403: 'insufficient_scope',
  404: 'todo_not_found',
  409: 'idempotency_key_in_use',
  412: 'version_mismatch',
  413: 'content_too_large',
  422: 'idempotency_key_reused',
  429: 'rate_limited',
  503: 'todo_api_unavailable',
  507: 'quota_exceeded',
};

function describeAccessTokenRejection({ error }: AccessTokenRejectedError): Failure {
  const code = OAUTH_ERRORS.has(error) ? error : 'unknown error';
  const advice = ADVICE[error] ?? 'to check the client id and secret of this MCP server';
  return createFailure('access_token_rejected', {
    text: `The authorization server rejected this MCP server (${code}). Nothing was done. Do not retry. Tell the user ${advice}.`,
    members: { oauth_error: code },
  });
}

function describeTooManyTokenRequests({ retryAfter }: TooManyTokenRequestsError): Failure {
  return createFailure('too_many_token_requests', {
    text: `The authorization server limits the requests of this MCP server. Nothing was done. Retry in ${retryAfter} seconds.`,
    members: { retry_after: retryAfter },
  });
}

/** The error codes that are repeated: those of the specifications (RFC 6749 §5.2, RFC 6750 §3.1, RFC 8707 §2). */
const OAUTH_ERRORS: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
  'invalid_token',
]);

/** What the user must do, for the errors that do not concern the credentials of the client. */
const ADVICE: Readonly<Record<string, string>> = {
  invalid_scope: 'to give the client of this MCP server the scopes todos:read and todos:write',
  invalid_target: 'to allow the client of this MCP server the resource of the todo API, and to check API_RESOURCE',
  unauthorized_client: 'to allow the client of this MCP server the grant type that it uses',
};
