// The extension of MCP by which a host shows a tool's result as a page (MCP Apps, 2026-01-26). Its page is called a View.

/** The extension as it is announced. */
export const MCP_APPS_EXTENSION = 'io.modelcontextprotocol/ui';

/** The MIME type of a View. */
export const VIEW_MIME_TYPE = 'text/html;profile=mcp-app';

/** The View that shows what list_todos found. */
export const TODO_LIST_URI = 'ui://yata/todo-list';

/**
 * Goes along with a result that has a View, when the caller may call no tool that changes anything: a View cannot list
 * the tools, and would offer what is refused. No model is told it.
 */
export const READ_ONLY_HINT = { 'yata/read_only': true };
