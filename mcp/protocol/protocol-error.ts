/**
 * An error response of JSON-RPC with its code, a sentence and optional data. The SDK sends any thrown error that has a
 * code. Its own `McpError` is not used, because it writes the code into the message, where clients write it once more.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, { data, cause }: { data?: unknown; cause?: unknown } = {}) {
    super(message, { cause });
    this.code = code;
    this.data = data;
  }
}
