/** What a statement does, without anything that a user has written. */
export type StatementDescription = {
  /** The first word of the statement, in upper case. */
  readonly operation: string;
  /** The table, with its schema. */
  readonly collection: string | undefined;
};

const OPERATION = /^\s*([a-z]{2,20})\b/i;

/**
 * The first table that a statement names. No quotation mark of a text precedes it: what follows one could be a value, because
 * MikroORM writes the values into the statement.
 */
const COLLECTION = /^[^']*?\b(?:from|into|update)\s+"?(auth|api)"?\."?([a-z_]{1,63})"?(?![a-z_"'.])/i;

/** Describes a statement for a trace. */
export function describeStatement(text: string): StatementDescription {
  const operation = OPERATION.exec(text)?.[1]?.toUpperCase() ?? 'OTHER';
  const [, schema, table] = COLLECTION.exec(text) ?? [];
  return { operation, collection: schema === undefined ? undefined : `${schema}.${table}` };
}
