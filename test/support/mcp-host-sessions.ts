import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { RecordedRequest } from './send-recorded-request.ts';

const FOLDER = 'test/fixtures/mcp-hosts';

/** What one MCP host sent in a whole session, over both transports. The files were recorded, not written. */
type McpHostSession = z.infer<typeof McpHostSession>;

const McpHostSession = z.strictObject({
  host: z.string(),
  /** The npm package of the host, and its version at the recording. */
  package: z.string(),
  version: z.string(),
  /** The day of the recording. */
  captured: z.iso.date(),
  /** The requests to the MCP endpoint, in order. */
  http: z.array(RecordedRequest),
  /** The lines that were written to the standard input of the server. */
  stdio: z.array(z.string()),
});

/** Reads the recorded sessions of all hosts. */
export function readMcpHostSessions(): McpHostSession[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .map((name) => McpHostSession.parse(JSON.parse(readFileSync(join(FOLDER, name), 'utf8'))));
}
