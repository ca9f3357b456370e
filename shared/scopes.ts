/** Every scope of yata, with the sentence that describes it to a person. */
export const SCOPES = {
  'todos:read': 'See todos',
  'todos:write': 'Create, change and delete todos',
  admin: 'Administer clients and access tokens',
} as const satisfies Record<string, string>;

export type Scope = keyof typeof SCOPES;

/** The scopes of the todo API and of the MCP server in front of it. */
export const TODO_SCOPES = ['todos:read', 'todos:write'] as const satisfies readonly Scope[];
