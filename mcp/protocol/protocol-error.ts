/**
 * An error of the protocol, with its code and a sentence. The SDK answers any error that has a code so; its own
 * `McpError` writes the code into the message, and a client writes it there again.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
