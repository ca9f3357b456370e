import { expect, test } from 'vitest';
import { AccessTokenRejectedError } from '../../shared/oauth-client/token-request.ts';
import { describeFailure } from './tool-error.ts';

test.each([
  ['invalid_client', /\(invalid_client\)\..* the client id and secret of this MCP server must be checked\.$/],
  ['invalid_scope', /\(invalid_scope\)\..* must be given the scopes todos:read and todos:write\.$/],
  ['invalid_target', /\(invalid_target\)\..* must be allowed the resource of the todo API/],
  ['unauthorized_client', /\(unauthorized_client\)\..* must be allowed the grant type/],
  ['<script>', /\(unknown error\)\..* id and secret/],
])('a refusal %s is told with what is to be mended', (error, text) => {
  expect(describeFailure(new AccessTokenRejectedError(error), 'todos:read')).toMatch(text);
});
