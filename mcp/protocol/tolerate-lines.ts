import { Transform, type Writable } from 'node:stream';
import { ErrorCode, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { findMessageId, tolerateMessage } from './tolerant-message.ts';

/**
 * Creates a stream between the input and the SDK's stdio transport, whose lines are the messages of `tolerateMessage`. A
 * request that is not valid is answered to `output` with its id: the SDK alone ignores it, and the host waits until its
 * timeout. Other lines are passed on unchanged.
 * @param maxLineBytes a longer line is passed on in parts, so that the transport ends at its own limit.
 */
export function tolerateLines({ output, maxLineBytes }: { output: Writable; maxLineBytes: number }): Transform {
  let rest: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest = Buffer.concat([rest, chunk]);
      const end = rest.lastIndexOf('\n') + 1;
      const lines = end === 0 ? [] : rest.toString('utf8', 0, end - 1).split('\n');
      for (const line of lines) this.push(`${tolerateLine(line)}\n`);
      rest = rest.subarray(end);
      if (rest.length > maxLineBytes) {
        this.push(rest);
        rest = Buffer.alloc(0);
      }
      done();
    },
  });

  function tolerateLine(line: string): string {
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch {
      return line;
    }
    const message = tolerateMessage(json);
    if (JSONRPCMessageSchema.safeParse(message).success) return JSON.stringify(message);
    const id = findMessageId(json);
    if (id !== undefined && 'method' in Object(json))
      output.write(`${JSON.stringify({ jsonrpc: '2.0', id, error: INVALID })}\n`);
    return line;
  }
}

const INVALID = {
  code: ErrorCode.InvalidRequest,
  message: 'expected one JSON-RPC message (jsonrpc, id, method, params)',
};
