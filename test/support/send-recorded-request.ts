import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod';

/** A request that a program sent. Header names have the case and the order in which they were sent. */
export const RecordedRequest = z.object({
  method: z.enum(['POST', 'GET', 'DELETE']).default('POST'),
  headers: z.array(z.tuple([z.string(), z.string()])),
  body: z.string().optional(),
});
type RecordedRequest = z.infer<typeof RecordedRequest>;

/** The answer to a recorded request. */
export type RecordedResponse = {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

/**
 * Sends a recorded request with its headers as they are: `fetch` would change their order and their case, and add others.
 * `values` replace the words in braces; `{host}` and `{content_length}` follow from the URL and the body.
 */
export async function sendRecordedRequest(
  url: string,
  { method, headers, body }: RecordedRequest,
  values: Readonly<Record<string, string>>,
): Promise<RecordedResponse> {
  const content = body && fill(body, values);
  const known = { ...values, host: new URL(url).host, content_length: String(Buffer.byteLength(content ?? '')) };
  const sent = request(url, {
    method,
    setDefaultHeaders: false,
    headers: headers.flatMap(([name, value]) => [name, fill(value, known)]),
  });
  sent.end(content);
  const [response]: IncomingMessage[] = await once(sent, 'response');
  if (response === undefined) throw new Error('expected a response');
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** Replaces each word in braces that `values` knows. The braces of JSON stay: no name of a value is in quotes. */
function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (word, name) => values[name] ?? word);
}
