import { decodeJwt } from 'jose';
import type Provider from 'oidc-provider';
import type { errors, KoaContextWithOIDC } from 'oidc-provider';
import type { Logger } from 'pino';
import { requestId } from '../../shared/http/request-id.ts';
import type { Origin, RecordAuditEvent } from '../audit/audit.ts';

/** Refusals that a security officer wants to know of, by the error code of RFC 6749 §5.2. */
const ACTIONS: Readonly<Record<string, string>> = {
  invalid_client: 'client.authenticate',
  invalid_scope: 'token.issue',
  invalid_target: 'token.issue',
  unauthorized_client: 'token.issue',
};

/**
 * Records what oidc-provider refuses and logs what it issues. Refusals are events of the audit; tokens, of which there
 * are many, are lines of the log.
 */
export function auditProviderEvents({
  provider,
  claimedClientId,
  record,
  logger,
}: {
  provider: Provider;
  /** Who a request says it is from. */
  claimedClientId: (ctx: KoaContextWithOIDC) => string | undefined;
  record: RecordAuditEvent;
  logger: Logger;
}): void {
  const refused = (ctx: KoaContextWithOIDC, error: errors.OIDCProviderError) => {
    const action = ACTIONS[error.error];
    if (action === undefined || !('oidc' in ctx)) return;
    const detail = {
      error: error.error,
      reason: error.error_detail ?? error.error_description ?? null,
      endpoint: ctx.path,
    };
    const event = { ...originOf(ctx, claimedClientId(ctx)), action, target: null, outcome: 'refused' as const, detail };
    // who names no client is limited by nothing, and could fill the table
    if (event.actor === null) logger.info({ audit: event }, action);
    else record(event);
  };
  provider.on('grant.error', refused);
  provider.on('revocation.error', refused);
  provider.on('introspection.error', refused);

  provider.on('grant.success', (ctx) => {
    const { access_token } = Object(ctx.body);
    if (typeof access_token !== 'string' || !logger.isLevelEnabled('info')) return;
    const { sub, client_id, act, jti, aud, scope } = decodeJwt(access_token);
    logger.info({ sub, client_id, act, jti, aud, scope, request_id: requestId(ctx) }, 'access token issued');
  });
}

function originOf(ctx: KoaContextWithOIDC, claimed: string | undefined): Origin {
  const actor = ctx.oidc.client?.clientId ?? (claimed?.slice(0, 255) || null);
  return { actor, address: ctx.ip, requestId: requestId(ctx) };
}
