import { HttpError } from '../../shared/http/errors.ts';

/** Another subject's todo, one that was deleted and one that never was are answered alike. */
export function noSuchTodo(): HttpError {
  return new HttpError(404, 'There is no todo with this id', {
    fields: [{ field: 'id', expected: 'the id of one of your todos' }],
  });
}

/** The todo was changed since it was read (RFC 9110 §13.1.1). */
export function otherVersion(field: string, version: number): HttpError {
  return new HttpError(412, `The todo was changed since: it is of version ${version} now. Read it again`, {
    fields: [{ field, expected: `version ${version}` }],
  });
}
