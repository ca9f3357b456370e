import type { CorsNames } from '../shared/http/cors.ts';

/** What pages of other origins may send to the MCP server, and read of its answers. */
export const CORS = {
  methods: ['POST'],
  requestHeaders: [
    'Authorization',
    'Content-Type',
    'Accept',
    'MCP-Protocol-Version',
    // clients written for servers with sessions and streams send them
    'Mcp-Session-Id',
    'Last-Event-ID',
  ],
  responseHeaders: ['WWW-Authenticate', 'Mcp-Session-Id', 'MCP-Protocol-Version', 'Retry-After', 'X-Request-Id'],
} satisfies CorsNames;
