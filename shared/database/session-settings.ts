/**
 * Settings of PostgreSQL that change the text of values, or the meaning of statements. A server, a database and a role can
 * have others (ALTER DATABASE … SET), so each session sets them.
 */
const SESSION_SETTINGS = {
  client_encoding: 'UTF8',
  // the driver and MikroORM read dates, times and intervals in these forms only, and times as UTC
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  // the shortest text from which the same number can be read again
  extra_float_digits: '1',
  // how literals, arrays and comparisons with NULL are read
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  // a statement after a lock must see what the previous holder of the lock has committed
  default_transaction_isolation: 'read committed',
};

/**
 * Sets the settings of a new session. They are statements and not options of the connection, because a connection pooler
 * rejects these options or ignores them.
 * @param more settings that only this session has.
 */
export async function applySessionSettings(
  client: { query(statement: string, values: string[]): Promise<unknown> },
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const settings = Object.entries({ ...SESSION_SETTINGS, ...more });
  const calls = settings.map((_setting, index) => `set_config($${2 * index + 1}, $${2 * index + 2}, false)`);
  await client.query(`select ${calls.join(', ')}`, settings.flat());
}
