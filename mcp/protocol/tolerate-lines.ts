import { Transform, type Writable } from 'node:stream';
import { isSpecType, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { findJson } from '../../shared/find-json.ts';
import { findMessageId, tolerateMessage } from './tolerant-message.ts';

/**
 * Creates a stream between the input and the SDK's stdio transport, whose lines are the messages of `tolerateMessage`. A
 * line that is no message is left out, after `onInvalid` was called. If it is a request, it is answered to `output` with its
 * id: the SDK alone ignores it, and the host waits until its timeout.
 * @param maxLineBytes a longer line is passed on in parts, so that the transport ends at its own limit.
 */
export function tolerateLines({
  output,
  maxLineBytes,
  onInvalid,
}: {
  output: Writable;
  maxLineBytes: number;
  onInvalid: () => void;
}): Transform {
  let rest: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest = Buffer.concat([rest, chunk]);
      const end = rest.lastIndexOf('\n') + 1;
      const lines = end === 0 ? [] : rest.toString('utf8', 0, end - 1).split('\n');
      for (const line of lines) {
        const message = findMessage(line);
        if (message !== undefined) this.push(`${JSON.stringify(message)}\n`);
      }
      rest = rest.subarray(end);
      if (rest.length > maxLineBytes) {
        this.push(rest);
        rest = Buffer.alloc(0);
      }
      done();
    },
  });

  function findMessage(line: string): unknown {
    const json = findJson(line);
    const message = tolerateMessage(json);
    if (isSpecType.JSONRPCMessage(message)) return message;
    onInvalid();
    const id = findMessageId(json);
    if (id !== undefined && 'method' in Object(json))
      output.write(`${JSON.stringify({ jsonrpc: '2.0', id, error: INVALID })}\n`);
    return undefined;
  }
}

const INVALID = {
  code: ProtocolErrorCode.InvalidRequest,
  message: 'expected one JSON-RPC message (jsonrpc, id, method, params)',
};
