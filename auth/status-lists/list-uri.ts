/** Where the status lists are: the aggregation at the path itself, each list below it. */
export const STATUS_LISTS_PATH = '/oauth/status-lists';

/** The `uri` of a list, which is also the `sub` of its token (draft-ietf-oauth-status-list-21 §5.1). */
export function listUri(issuer: string, list: number): string {
  return `${issuer}${STATUS_LISTS_PATH}/${list}`;
}

/** The list that the `uri` in a token of ours names. @throws {Error} when it is none of the issuer's. */
export function getList(issuer: string, uri: string): number {
  const list = parseListUri(issuer, uri);
  if (list === undefined) throw new Error(`the status list of a token of ours is ${uri}`);
  return list;
}

/** The list that a `uri` names, or undefined when it is not one of the issuer's. */
export function parseListUri(issuer: string, uri: string): number | undefined {
  const prefix = `${issuer}${STATUS_LISTS_PATH}/`;
  const id = uri.startsWith(prefix) ? uri.slice(prefix.length) : '';
  return /^[1-9]\d{0,9}$/.test(id) ? Number(id) : undefined;
}
