import { HttpError } from '../../shared/http/http-error.ts';

/** A todo of another subject, a deleted todo and an id that no todo has get the same response. */
export class TodoNotFoundError extends HttpError<'todo_not_found'> {
  override readonly name = 'TodoNotFoundError';

  constructor() {
    super('todo_not_found', 'There is no todo with this id', {
      fields: [{ field: 'id', expected: 'the id of one of your todos' }],
    });
  }
}

/** The todo was changed after the client read it (RFC 9110 §13.1.1). `field` is where the client named the version. */
export class VersionMismatchError extends HttpError<'version_mismatch'> {
  override readonly name = 'VersionMismatchError';

  /** @param detail says why, if another version is not the reason. */
  constructor(
    field: string,
    currentVersion: number,
    detail = 'The todo has another version. Read it again, then decide.',
  ) {
    super('version_mismatch', detail, {
      members: { current_version: currentVersion },
      fields: [{ field, expected: 'the current version of the todo' }],
    });
  }
}
