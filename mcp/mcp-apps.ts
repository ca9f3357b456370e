// MCP Apps (2026-01-26): an extension with which a host shows the result of a tool as a page. Such a page is a View.

/** The identifier of the extension. */
export const MCP_APPS_EXTENSION = 'io.modelcontextprotocol/ui';

/** The MIME type of a View. */
export const VIEW_MIME_TYPE = 'text/html;profile=mcp-app';
