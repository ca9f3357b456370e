import { destination, type Logger, pino } from 'pino';

/** The bytes of log lines that wait until the host of a stdio server reads them. */
const MAX_UNREAD_BYTES = 1_000_000;

/**
 * Creates the logger of one service, which writes a JSON line for each event. Over stdio the MCP protocol uses stdout, so
 * the log goes to stderr.
 */
export function createLogger({
  name,
  level,
  stream = 'stdout',
  fields,
}: {
  name: string;
  level: string;
  stream?: 'stdout' | 'stderr';
  /** Returns further members of a line. */
  fields?: (() => object) | undefined;
}): Logger {
  return pino(
    {
      name,
      level,
      // a request or an error can contain credentials, so only the named members are written
      serializers: { err: serializeError },
      ...(fields !== undefined && { mixin: fields }),
    },
    stream === 'stdout'
      ? destination({ dest: 1, sync: true })
      : // a host that does not read stderr must not stop the process: what it has not read is dropped at some length
        destination({ dest: 2, sync: false, maxLength: MAX_UNREAD_BYTES }),
  );
}

/** Describes an error and its causes by name, message and stack. Other members are left out: they may be secrets. */
function serializeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && { code: error.code }),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: serializeError(error.cause) }),
  };
}
