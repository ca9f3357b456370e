import * as z from 'zod';

/** Connections that each send a request as soon as the last one is answered. */
export const CONNECTIONS = 32;

/** The request that a contestant is loaded with, all over again. */
export const LoadRequest = z.object({
  url: z.url(),
  method: z.enum(['GET', 'POST']),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
});
export type LoadRequest = z.infer<typeof LoadRequest>;
