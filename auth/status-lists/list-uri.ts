/** The path of the aggregation document. Each status list is below it. */
export const STATUS_LISTS_PATH = '/oauth/status-lists';

/** Returns the `uri` of a list, which is also the `sub` of its signed form (draft-ietf-oauth-status-list-21 §5.1). */
export function listUri(issuer: string, list: number): string {
  return `${issuer}${STATUS_LISTS_PATH}/${list}`;
}

/**
 * Returns the id of the list in an access token of this issuer.
 * @throws {Error} when `uri` is not a list of this issuer.
 */
export function getListId(issuer: string, uri: string): number {
  const list = parseListUri(issuer, uri);
  if (list === undefined)
    throw new Error(
      `an access token of this issuer has the status list ${uri}, expected ${listUri(issuer, 1)} or another number`,
    );
  return list;
}

/** Parses the `uri` of a list. Returns undefined when it is not a list of this issuer. */
export function parseListUri(issuer: string, uri: string): number | undefined {
  const prefix = `${issuer}${STATUS_LISTS_PATH}/`;
  const id = uri.startsWith(prefix) ? uri.slice(prefix.length) : '';
  return parseListId(id);
}

/** Parses the id of a list. Returns undefined for other text, such as a number with leading zeros. */
export function parseListId(id: string): number | undefined {
  return /^[1-9]\d{0,9}$/.test(id) ? Number(id) : undefined;
}
