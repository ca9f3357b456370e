import { hash } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import * as z from 'zod';
import { findJson } from '../../shared/find-json.ts';
import { ChallengeEntity } from './challenge.entity.ts';
import { PasskeyEntity, type PasskeyRow } from './passkey.entity.ts';

/** EdDSA, ES256 and RS256 (COSE algorithms). */
const ALGORITHMS = [-8, -7, -257];

const CHALLENGE_SECONDS = 300;

/** How an authenticator can be reached (WebAuthn §5.8.4). */
const TRANSPORTS: ReadonlySet<string> = new Set(['ble', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']);

/** A passkey that a browser created and that is not stored yet. */
export type NewPasskey = Pick<PasskeyRow, 'id' | 'publicKey' | 'signCount' | 'backedUp' | 'transports'>;

/** Why a passkey was not accepted. The message is for the log. */
export class PasskeyRejectedError extends Error {
  override readonly name = 'PasskeyRejectedError';
}

/**
 * Passkeys (WebAuthn). A challenge is for one purpose on one page, and is used once. `purpose` names both: a challenge of one
 * interaction does not sign in at another.
 */
export type Passkeys = {
  readonly createRegistrationOptions: (
    purpose: string,
    account: { readonly id: string; readonly name: string },
  ) => Promise<PublicKeyCredentialCreationOptionsJSON>;
  /** @throws {PasskeyRejectedError} */
  readonly verifyRegistration: (purpose: string, response: unknown) => Promise<NewPasskey>;
  readonly createAuthenticationOptions: (purpose: string) => Promise<PublicKeyCredentialRequestOptionsJSON>;
  /** Returns the id of the account. @throws {PasskeyRejectedError} */
  readonly verifyAuthentication: (purpose: string, response: unknown) => Promise<string>;
};

/** The part of a response in which the challenge is. The library checks the rest. */
const Response = z.looseObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,1400}$/),
  response: z.looseObject({ clientDataJSON: z.string().max(10_000) }),
});
const ClientData = z.object({ challenge: z.string().max(200) });

/** Creates the passkeys of persons at `issuer`, which is also the relying party. */
export function createPasskeys({ em, issuer }: { em: SqlEntityManager; issuer: string }): Passkeys {
  const { hostname: rpID } = new URL(issuer);

  return {
    async createRegistrationOptions(purpose, { id, name }) {
      const existing = await em.fork().find(PasskeyEntity, { accountId: id });
      const options = await generateRegistrationOptions({
        rpName: 'yata',
        rpID,
        userID: new Uint8Array(Buffer.from(id)),
        userName: name,
        userDisplayName: name,
        attestationType: 'none',
        supportedAlgorithmIDs: ALGORITHMS,
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        excludeCredentials: existing.map((passkey) => ({ id: passkey.id })),
      });
      await storeChallenge(options.challenge, purpose);
      return options;
    },
    async verifyRegistration(purpose, given) {
      const { response, challenge } = await takeChallenge(purpose, given);
      const { verified, registrationInfo } = await verifyOrReject(() =>
        verifyRegistrationResponse({
          response: response as unknown as RegistrationResponseJSON,
          expectedChallenge: challenge,
          expectedOrigin: issuer,
          expectedRPID: rpID,
          requireUserVerification: true,
          supportedAlgorithmIDs: ALGORITHMS,
        }),
      );
      if (!verified) throw new PasskeyRejectedError('the registration was not verified');
      const { credential, credentialBackedUp } = registrationInfo;
      return {
        id: credential.id,
        publicKey: Buffer.from(credential.publicKey),
        signCount: credential.counter,
        backedUp: credentialBackedUp,
        transports: [credential.transports]
          .flat()
          .filter((name) => TRANSPORTS.has(String(name)))
          .map(String),
      };
    },
    async createAuthenticationOptions(purpose) {
      const options = await generateAuthenticationOptions({ rpID, userVerification: 'required' });
      await storeChallenge(options.challenge, purpose);
      return options;
    },
    async verifyAuthentication(purpose, given) {
      const { response, challenge } = await takeChallenge(purpose, given);
      const passkey = await em.fork().findOne(PasskeyEntity, { id: response.id }, { disableIdentityMap: true });
      if (passkey === null) throw new PasskeyRejectedError('the passkey is not known');
      const { verified, authenticationInfo } = await verifyOrReject(() =>
        verifyAuthenticationResponse({
          response: response as unknown as AuthenticationResponseJSON,
          expectedChallenge: challenge,
          expectedOrigin: issuer,
          expectedRPID: rpID,
          requireUserVerification: true,
          credential: {
            id: passkey.id,
            publicKey: new Uint8Array(passkey.publicKey),
            // the counter of a passkey that is copied between devices goes backwards
            counter: passkey.backedUp ? 0 : passkey.signCount,
          },
        }),
      );
      if (!verified) throw new PasskeyRejectedError('the signature was not verified');
      await em
        .fork()
        .nativeUpdate(
          PasskeyEntity,
          { id: passkey.id },
          { signCount: authenticationInfo.newCounter, lastUsedAt: new Date() },
        );
      return passkey.accountId;
    },
  };

  async function storeChallenge(challenge: string, purpose: string): Promise<void> {
    const expiresAt = new Date(Date.now() + CHALLENGE_SECONDS * 1000);
    await em.fork().insert(ChallengeEntity, { hash: hashChallenge(challenge), purpose, expiresAt });
  }

  /** Deletes the challenge that a response answers, so that no response is accepted twice. */
  async function takeChallenge(purpose: string, given: unknown) {
    const parsed = Response.safeParse(given);
    const clientData = ClientData.safeParse(
      parsed.success
        ? findJson(Buffer.from(parsed.data.response.clientDataJSON, 'base64url').toString('utf8'))
        : undefined,
    );
    if (!parsed.success || !clientData.success) throw new PasskeyRejectedError('the response is malformed');
    const { challenge } = clientData.data;
    const deleted = await em
      .fork()
      .nativeDelete(ChallengeEntity, { hash: hashChallenge(challenge), purpose, expiresAt: { $gt: new Date() } });
    if (deleted === 0) throw new PasskeyRejectedError('the challenge is not known, or was used before');
    return { response: parsed.data, challenge };
  }
}

/** Deletes the challenges that were not answered in time. */
export async function deleteExpiredChallenges(em: SqlEntityManager): Promise<void> {
  await em.fork().nativeDelete(ChallengeEntity, { expiresAt: { $lte: new Date() } });
}

async function verifyOrReject<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (cause) {
    // the library throws for everything that is wrong with a response
    throw new PasskeyRejectedError('the response of the browser was not verified', { cause });
  }
}

function hashChallenge(challenge: string): string {
  return hash('sha256', challenge, 'base64url');
}
