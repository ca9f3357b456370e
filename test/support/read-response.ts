/** A response whose body was read. `body` is undefined if the text is neither a JSON object nor a JSON array. */
export type ReadResponse = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
};

/** Reads the body of a response, so that a test can assert status, headers and body in one expression. */
export async function readResponse(response: Response): Promise<ReadResponse> {
  const text = await response.text();
  const body: unknown = /^[{[]/.test(text) ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, body };
}
