import * as z from 'zod';

/** The number of connections, unless a comparison has another. Each sends a request as soon as it has the response. */
export const CONNECTIONS = 32;

/** The request that the load sends to a contestant repeatedly. */
export const LoadRequest = z.object({
  url: z.url(),
  method: z.enum(['GET', 'POST', 'PATCH']),
  headers: z.record(z.string(), z.string()),
  /** `{random}` in it is replaced by another text in each request. */
  body: z.string(),
  /** Whether the body can be sent only once, such as one with an authorization code. The contestant then prepares bodies. */
  once: z.boolean().optional(),
  /** Paths and headers of which each request has one, chosen at random: those of several subjects. */
  variants: z.array(z.object({ path: z.string(), headers: z.record(z.string(), z.string()) })).optional(),
});
export type LoadRequest = z.infer<typeof LoadRequest>;
