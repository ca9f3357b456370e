import type { CorsNames } from '../shared/http/cors.ts';

/** The methods and headers that pages of other origins may send to the MCP server, and the headers that they may read. */
export const CORS = {
  methods: ['POST'],
  requestHeaders: [
    'Authorization',
    'Content-Type',
    'Accept',
    'MCP-Protocol-Version',
    'Mcp-Method',
    'Mcp-Name',
    // this server ignores these two, but clients for servers with sessions and resumable streams send them
    'Mcp-Session-Id',
    'Last-Event-ID',
  ],
  responseHeaders: ['WWW-Authenticate', 'Mcp-Session-Id', 'MCP-Protocol-Version', 'Retry-After', 'X-Request-Id'],
} satisfies CorsNames;
