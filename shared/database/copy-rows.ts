import type pg from 'pg';

/** How much is given to the socket at once. */
const MESSAGE_BYTES = 65_536;

/**
 * Executes `copy … from stdin` with `bytes` as its input, which are rows in the text format of COPY. All of them are in memory
 * until the server has answered, so split what is large into several statements.
 */
export function copyRows(client: pg.Client, statement: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    // the driver has no COPY of its own, but takes an object with these methods for a query
    client.query({
      submit: (connection) => connection.query(statement),
      handleCopyInResponse(connection: CopyConnection) {
        for (let start = 0; start < bytes.length; start += MESSAGE_BYTES)
          connection.sendCopyFromChunk(bytes.subarray(start, start + MESSAGE_BYTES));
        connection.endCopyFrom();
      },
      handleCommandComplete: () => undefined,
      handleError(error: Error) {
        failure = error;
        // after an error of a broken connection, nothing else comes
        reject(error);
      },
      handleReadyForQuery() {
        if (failure === undefined) resolve();
      },
    } satisfies Copy);
  });
}

type Copy = pg.Submittable & {
  readonly handleCopyInResponse: (connection: CopyConnection) => void;
  readonly handleCommandComplete: () => void;
  readonly handleError: (error: Error) => void;
  readonly handleReadyForQuery: () => void;
};

/** The methods for COPY, which the types of the driver lack. */
type CopyConnection = {
  readonly sendCopyFromChunk: (chunk: Buffer) => void;
  readonly endCopyFrom: () => void;
};
