import { decodeProtectedHeader } from 'jose';
import { createToolCall } from '../test/support/mcp-messages.ts';
import { openAdministration } from '../test/support/open-administration.ts';
import { postMcpMessage } from '../test/support/post-mcp-message.ts';
import { requestTodos } from '../test/support/request-todos.ts';
import { startSecond } from '../test/support/start-second.ts';
import { startSystem } from '../test/support/start-system.ts';

const REVOCATIONS = 20;

/** Milliseconds from the request that revokes a key until its answer, and until all four resource servers reject its tokens. */
export type KeyRevocations = { readonly answered: readonly number[]; readonly rejected: readonly number[] };

/** Revokes the key that signs, again and again, with two auth, two api and two mcp. */
export async function measureKeyRevocation(): Promise<KeyRevocations> {
  await using system = await startSystem();
  await using second = await startSecond(system);
  const client = await system.registerClient();
  const [answered, rejected]: [number[], number[]] = [[], []];
  for (let round = 0; round < REVOCATIONS; round++) {
    const [api, mcp] = await Promise.all([
      system.getAccessToken(client),
      system.getAccessToken(client, { resource: system.mcpResource }),
    ]);
    const use = async () => [
      ...(await Promise.all(
        [system.apiResource, second.apiResource].map(async (resource) => (await requestTodos(resource, api)).status),
      )),
      ...(await Promise.all(
        [system.mcpResource, second.mcpResource].map(
          async (resource) =>
            (
              await postMcpMessage(resource, createToolCall('list_todos'), { accessToken: mcp })
            ).status,
        ),
      )),
    ];
    if ((await use()).some((status) => status !== 200)) throw new Error('a token was rejected before its revocation');
    const { send } = await openAdministration(system);
    const startedAt = performance.now();
    const revocation = send('DELETE', `/keys/${decodeProtectedHeader(api).kid}`).then(({ status }) => {
      if (status !== 200) throw new Error(`the revocation was answered with ${status}`);
      answered.push(performance.now() - startedAt);
    });
    while ((await use()).some((status) => status !== 401));
    rejected.push(performance.now() - startedAt);
    await revocation;
  }
  return { answered, rejected };
}
