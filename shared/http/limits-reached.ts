import type { Context } from 'koa';
import type { ProblemCode } from '../todo/problems.ts';

/** The problem codes with which a request is rejected because of a limit. Each is the name of that limit in the metrics. */
const LIMIT_PROBLEMS = [
  'rate_limited',
  'too_many_concurrent_requests',
  'too_many_concurrent_writes',
  'quota_exceeded',
  'idempotency_quota_exceeded',
  'too_many_registrations',
] as const satisfies readonly ProblemCode[];

/** The limits of each service by their names in the metrics. Limits of connections are counted apart. */
export const LIMITS = {
  auth: [
    'tokens',
    'exchanges',
    'rejections',
    'revocations',
    'introspections',
    'concurrent_revocations',
    'client_authentication',
    'sign_in',
    'passkey_challenges',
    'authorization_requests',
    'new_documents',
    'too_many_registrations',
  ],
  api: [
    'rate_limited',
    'too_many_concurrent_requests',
    'too_many_concurrent_writes',
    'quota_exceeded',
    'idempotency_quota_exceeded',
  ],
  mcp: ['rate_limited', 'too_many_concurrent_requests'],
} as const;

/** The name of a limit. There are few, so each can be a label of a metric. */
export type Limit = (typeof LIMITS)[keyof typeof LIMITS][number];

/** Notes for the metrics that a request is rejected because of a limit. */
export function noteLimit(ctx: Pick<Context, 'state'>, limit: Limit): void {
  ctx.state.limit = limit;
}

/** Notes the limit that a problem code stands for, if it does. */
export function noteLimitOfProblem(ctx: Pick<Context, 'state'>, code: ProblemCode): void {
  const limit = LIMIT_PROBLEMS.find((problem) => problem === code);
  if (limit !== undefined) noteLimit(ctx, limit);
}

/** The limit because of which a request was rejected. */
export function findLimit(ctx: Pick<Context, 'state'>): Limit | undefined {
  return ctx.state.limit;
}
