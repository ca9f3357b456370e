import * as z from 'zod';

/** The number of connections. Each sends a request as soon as it has the response to the one before. */
export const CONNECTIONS = 32;

/** The request that the load sends to a contestant repeatedly. */
export const LoadRequest = z.object({
  url: z.url(),
  method: z.enum(['GET', 'POST']),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  /** Whether the body can be sent only once, such as one with an authorization code. The contestant then prepares bodies. */
  once: z.boolean().optional(),
});
export type LoadRequest = z.infer<typeof LoadRequest>;
