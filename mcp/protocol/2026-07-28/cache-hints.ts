import type { CacheHint, ServerOptions } from '@modelcontextprotocol/server';

/**
 * How long a client may keep a listing. A listing changes only with the version of the server and with the granted scopes,
 * for which the client needs another access token; a host that keeps an old one gets an error that says what to do.
 */
const LISTING: CacheHint = { ttlMs: 300_000, cacheScope: 'private' };

/**
 * How long clients may keep results (MCP 2026-07-28, Caching). Every result belongs to one caller. Contents of resources are
 * not kept: another program may change the todos at any time.
 */
export const CACHE_HINTS: ServerOptions['cacheHints'] & object = {
  'server/discover': LISTING,
  'tools/list': LISTING,
  'resources/list': LISTING,
  'resources/templates/list': LISTING,
  'prompts/list': LISTING,
  'resources/read': { ttlMs: 0, cacheScope: 'private' },
};
