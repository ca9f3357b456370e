import { HttpError } from '../../shared/http/http-error.ts';

/** Another subject's todo, one that was deleted and one that never was are answered alike. */
export function noSuchTodo(): HttpError {
  return new HttpError('todo_not_found', 'There is no todo with this id', {
    fields: [{ field: 'id', expected: 'the id of one of your todos' }],
  });
}

/** The todo was changed since it was read (RFC 9110 §13.1.1). */
export function otherVersion(field: string, version: number): HttpError {
  return new HttpError('version_mismatch', 'The todo has another version. Read it again, then decide.', {
    members: { current_version: version },
    fields: [{ field, expected: 'the current version of the todo' }],
  });
}
