import { setTimeout as delay } from 'node:timers/promises';
import { decodeProtectedHeader } from 'jose';
import { KeyResponse } from '../../auth/admin/contract.ts';
import { MIN_LEAD_SECONDS } from '../../auth/signing-keys/key-life.ts';
import { startEnduringLoad } from '../../test/support/enduring-load.ts';
import { requestAccessToken } from '../../test/support/request-access-token.ts';
import { describeProgress, describeVerdict } from './describe.ts';
import { INSTANCES, openInstallation } from './installation.ts';

/** Longer than a run, so that the tokens of every key are used until its end. */
const ACCESS_TOKEN_TTL_SECONDS = 3_600;

const ROTATIONS = 10;

/** How long a key signs under load before the next one is created. */
const SIGNING_MS = 2_000;

/**
 * Has ten signing keys follow one another under a mixed load, each published as shortly before as an administrator may ask for.
 * Returns whether no request failed and every key signed.
 */
export async function runRotations(print: (line: string) => void): Promise<boolean> {
  await using installation = await openInstallation({
    variables: { ACCESS_TOKEN_TTL: String(ACCESS_TOKEN_TTL_SECONDS) },
  });
  const { issuer } = installation;
  const load = await startEnduringLoad(installation, {
    tokenLifetime: ACCESS_TOKEN_TTL_SECONDS,
    instances: INSTANCES,
  });
  const resource = `${issuer}/admin`;
  const requestToken = () => requestAccessToken(issuer, installation.admin(), { resource });
  const signers = new Set<string | undefined>();
  for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
    const response = await fetch(`${resource}/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await requestToken()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ signs_in: MIN_LEAD_SECONDS }),
    });
    const { kid } = KeyResponse.parse(await response.json());
    await delay(MIN_LEAD_SECONDS * 1000 + SIGNING_MS);
    signers.add(decodeProtectedHeader(await requestToken()).kid);
    if (!signers.has(kid)) print(`the key ${kid} does not sign`);
  }
  const verdict = await load.stop();
  print(`${signers.size} of ${ROTATIONS} keys signed`);
  for (const line of [...describeProgress(verdict), ...describeVerdict(verdict)]) print(line);
  const { failures, wronglyAccepted, lost, feedProblems } = verdict;
  return signers.size === ROTATIONS && failures.size + wronglyAccepted.length + lost.length + feedProblems.length === 0;
}
