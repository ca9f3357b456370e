import { Agent } from 'node:http';
import * as z from 'zod';
import { type Counts, count } from '../flood.ts';
import { type HttpRequest, send } from '../send.ts';

const TokenResponse = z.object({ access_token: z.string() });

/** Requests access tokens on each of `connections` connections, and uses each of them for one request. */
export async function useTokensOnce({ connections, request, use }: UseTokensOnce, until: AbortSignal): Promise<Counts> {
  const counts: Counts = {};
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const sendCounted = async (kind: string, sent: HttpRequest) => {
    const response = await send(sent, agent).catch(() => undefined);
    count(counts, `${kind} ${response?.status ?? 'lost'}`);
    return response;
  };

  async function useAgainAndAgain(): Promise<void> {
    while (!until.aborted) {
      const response = await sendCounted('token', request);
      if (response?.status !== 200) continue;
      const { access_token: accessToken } = TokenResponse.parse(JSON.parse(response.body));
      await sendCounted('call', use(accessToken));
    }
  }

  await Promise.all(Array.from({ length: connections }, useAgainAndAgain));
  agent.destroy();
  return counts;
}

type UseTokensOnce = {
  readonly connections: number;
  readonly request: HttpRequest;
  /** Creates the request that uses an access token. */
  readonly use: (accessToken: string) => HttpRequest;
};
