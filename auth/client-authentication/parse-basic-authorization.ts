/**
 * Parses an Authorization header with the credentials of a client: HTTP Basic, with the id and the secret encoded as in a
 * form (RFC 6749 §2.3.1, RFC 7617). Returns undefined when it has another scheme or is malformed.
 */
export function parseBasicAuthorization(
  authorization: string,
): { readonly clientId: string; readonly clientSecret: string } | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? [];
  const [, clientId, clientSecret] =
    /^([^:]+):(.+)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString('utf8')) ?? [];
  if (clientId === undefined || clientSecret === undefined) return undefined;
  try {
    return { clientId: decodeFormValue(clientId), clientSecret: decodeFormValue(clientSecret) };
  } catch {
    return undefined;
  }
}

/** @throws {URIError} when a percent sign does not begin a UTF-8 sequence. */
function decodeFormValue(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
