import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { LIST_TOOLS } from '../../test/support/mcp-messages.ts';
import type { TestClient } from '../../test/support/start-system.ts';
import { tokenExchangeParameters } from '../../test/support/token-exchange-parameters.ts';
import type { Installation } from './installation.ts';
import { bearer, mcpRequest, revocationRequest, tokenRequest } from './requests.ts';
import { type HttpRequest, send } from './send.ts';

/** Revocations during a flood. Times are in milliseconds. */
export type Revocations = {
  /** From the response of the revocation endpoint until both api and mcp reject the access token. */
  readonly delays: number[];
  /** From the request to the response of the revocation endpoint. */
  readonly responses: number[];
  /** Why a revocation could not be measured, each with its number. */
  readonly failures: Record<string, number>;
  /** Requests to the revocation endpoint that failed: each may have revoked the token nevertheless. */
  readonly uncertain: number;
};

/** How long to wait before a revocation, so that the resource servers have applied the one before. */
const SETTLE_MS = 50;

/** How long to wait between two revocations. */
const PAUSE_MS = 50;

/** How often each resource server is asked. */
const POLL_MS = 2;

/** A token that is accepted for so long after its revocation counts as this long, and is not asked for further. */
const LONGEST_DELAY_MS = 15_000;

/** Revokes access tokens, one after another, until `until` is aborted. The revocation that runs then is completed. */
export async function revokeRepeatedly(
  { issuer, apiResource, mcpResource, mcpClient }: Installation,
  client: TestClient,
  until: AbortSignal,
): Promise<Revocations> {
  const delays: number[] = [];
  const responses: number[] = [];
  const failures: Record<string, number> = {};
  const agent = new Agent({ keepAlive: true });
  let uncertain = 0;
  while (!until.aborted) {
    try {
      await revokeOnce();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures[reason] = (failures[reason] ?? 0) + 1;
    }
    await delay(PAUSE_MS);
  }
  agent.destroy();
  return { delays, responses, failures, uncertain };

  async function revokeOnce(): Promise<void> {
    const forMcp = await requestToken(tokenRequest(issuer, client, { resource: mcpResource }));
    // the exchanged access token shares the status of its subject token, so that one revocation revokes both
    const forApi = await requestToken(tokenRequest(issuer, mcpClient, tokenExchangeParameters(forMcp)));
    // the id is not valid, so that api answers an accepted request without its database
    const useAtApi = { url: `${apiResource}/todos/none`, headers: bearer(forApi) };
    const useAtMcp = mcpRequest(mcpResource, forMcp, JSON.stringify(LIST_TOOLS));
    for (const use of [useAtApi, useAtMcp])
      if ((await send(use, agent)).status === 401) throw new Error('a valid access token was rejected');
    await delay(SETTLE_MS);
    const sentAt = performance.now();
    uncertain += 1;
    const { status } = await send(revocationRequest(issuer, client, forMcp), agent);
    const revokedAt = performance.now();
    if (status !== 200) throw new Error(`the revocation endpoint responded with ${status}`);
    uncertain -= 1;
    responses.push(revokedAt - sentAt);
    const rejections = await Promise.all([useAtApi, useAtMcp].map((use) => waitForRejection(use, revokedAt)));
    delays.push(Math.max(...rejections));
  }

  async function requestToken(request: HttpRequest): Promise<string> {
    const { status, body } = await send(request, agent);
    if (status !== 200) throw new Error(`the token endpoint responded with ${status}`);
    return z.object({ access_token: z.string() }).parse(JSON.parse(body)).access_token;
  }

  async function waitForRejection(use: HttpRequest, revokedAt: number): Promise<number> {
    for (;;) {
      const response = await send(use, agent).catch(() => undefined);
      const milliseconds = performance.now() - revokedAt;
      if (response?.status === 401) return milliseconds;
      if (milliseconds > LONGEST_DELAY_MS) return LONGEST_DELAY_MS;
      await delay(POLL_MS);
    }
  }
}
