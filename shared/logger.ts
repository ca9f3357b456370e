import { destination, type Logger, pino } from 'pino';

/**
 * Creates the log of one service: a JSON line an event. On stdio the protocol owns stdout, so the log is on stderr.
 */
export function createLogger({
  name,
  level,
  stream = 'stdout',
}: {
  name: string;
  level: string;
  stream?: 'stdout' | 'stderr';
}): Logger {
  return pino(
    {
      name,
      level,
      // what a request carries can be a credential: only what is named is written
      serializers: { err: describeError },
    },
    destination({ dest: stream === 'stdout' ? 1 : 2, sync: true }),
  );
}

/** An error with its causes: names, messages and where they came from, none of the values that hang on them. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && { code: error.code }),
    stack: error.stack,
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}
