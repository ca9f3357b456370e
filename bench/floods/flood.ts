import * as z from 'zod';

const ClientCredentials = z.object({ id: z.string(), secret: z.string() });

/** What a flood is sent to, and the client that sends it. */
export const FloodTarget = z.object({
  issuer: z.string(),
  apiResource: z.string(),
  mcpResource: z.string(),
  /** A client that is allowed to read and write todos, its access tokens for api and for mcp. Each flood has its own. */
  client: ClientCredentials,
  apiToken: z.string(),
  mcpToken: z.string(),
  /** The number of this process among those that send the flood, from 0. */
  worker: z.int(),
});
export type FloodTarget = z.infer<typeof FloodTarget>;

/** What happened, and how often: `200` is a response with this status, `ECONNRESET` a connection that failed. */
export const Counts = z.record(z.string(), z.number());
export type Counts = z.infer<typeof Counts>;

/** What one client, or programs without an access token, can send. */
export type Flood = {
  readonly description: string;
  /** How long it lasts, in seconds, and how long it takes until it has begun in full. */
  readonly seconds?: number;
  readonly rampSeconds?: number;
  /** The processes that send it, and their nice value: by default an attacker does not use the processor of the server. */
  readonly workers?: number;
  readonly nice?: number;
  /** What must be there before it begins. */
  readonly prepare?: (target: FloodTarget) => Promise<void>;
  readonly run: (target: FloodTarget, until: AbortSignal) => Promise<Counts>;
  /** The audit events that it has caused. */
  readonly countAuditEvents?: (counts: Counts) => number;
  /** What must hold besides that which must hold in every flood. Returns a sentence for each failure. */
  readonly findFailures?: (counts: Counts) => string[];
};

/** Adds to a count. */
export function count(counts: Counts, name: string, number = 1): void {
  counts[name] = (counts[name] ?? 0) + number;
}

/** Adds the counts of several processes or generators. */
export function sum(all: readonly Counts[]): Counts {
  const total: Counts = {};
  for (const counts of all) for (const [name, number] of Object.entries(counts)) count(total, name, number);
  return total;
}
