import type { Context } from 'koa';
import { findIfMatchProblem, matchesIfMatch, matchesIfNoneMatch } from '../../shared/http/entity-tag.ts';
import type { Todo } from '../../shared/todo/todo.ts';
import { VersionMismatchError } from './todo-errors.ts';
import type { Precondition } from './writes/list-in-memory.ts';

type Version = Pick<Todo, 'version'>;

/** The entity tag of a todo is its version, because a version has only one representation. */
export function entityTag({ version }: Version): string {
  return `"${version}"`;
}

/** The preconditions of a request that changes a todo: If-Match, and then If-None-Match (RFC 9110 §13.2.2). */
export function preconditionOf(ctx: Context): Precondition {
  return (todo) => {
    requireIfMatch(ctx, todo);
    if (!matchesIfNoneMatch(ctx, entityTag(todo)))
      throw new VersionMismatchError(
        'if-none-match',
        todo.version,
        'If-None-Match names the current version, or any version with *, so the todo stays as it is.',
      );
  };
}

/** @throws {VersionMismatchError} when If-Match names other versions (RFC 9110 §13.1.1). */
export function requireIfMatch(ctx: Context, todo: Version): void {
  if (!matchesIfMatch(ctx, entityTag(todo)))
    throw new VersionMismatchError('if-match', todo.version, describeIfMatch(ctx, todo));
}

/** Says what is wrong with an If-Match that no version could match. */
function describeIfMatch(ctx: Context, todo: Version): string | undefined {
  const toSend = `Send If-Match: ${entityTag(todo)}, if that is the version that you read.`;
  switch (findIfMatchProblem(ctx)) {
    case 'weak':
      return `A weak entity tag, with W/, matches no version. A proxy that compresses responses adds W/. ${toSend}`;
    case 'malformed':
      return `If-Match has no entity tag, which is in quotation marks. ${toSend}`;
    default:
      return undefined;
  }
}
