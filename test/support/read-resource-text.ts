import type { Client } from '@modelcontextprotocol/sdk/client/index.js';

/** Reads the text of an MCP resource. @throws when the resource has no text. */
export async function readResourceText(client: Client, uri: string): Promise<string> {
  const [content] = (await client.readResource({ uri })).contents;
  if (content === undefined || !('text' in content)) throw new Error(`the resource ${uri} has no text`);
  return content.text;
}
