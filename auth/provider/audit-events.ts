import { decodeJwt } from 'jose';
import type Provider from 'oidc-provider';
import type { errors, KoaContextWithOIDC } from 'oidc-provider';
import type { Logger } from 'pino';
import { requestId } from '../../shared/http/request-id.ts';
import type { RecordAuditEvent } from '../audit/audit.ts';
import { findClaimedClientId } from './client-authentication-rate-limit.ts';
import { findCountedRejection } from './rejected-token-requests.ts';

/** The error codes (RFC 6749 §5.2) that become audit events at every endpoint, each with the action that was rejected. */
const ACTIONS: Readonly<Record<string, string>> = {
  invalid_client: 'client.authenticate',
  invalid_scope: 'token.issue',
  invalid_target: 'token.issue',
  unauthorized_client: 'token.issue',
};

/**
 * Records rejected requests in the audit. Each rejection that counts against the quota of its client is recorded, so that
 * the audit tells why a client is limited. Also writes a log line for each issued access token. Issued tokens are not audit
 * events because there are many of them.
 */
export function applyAuditEvents(
  provider: Provider,
  { record, logger }: { record: RecordAuditEvent; logger: Logger },
): void {
  provider.on('grant.error', recordRejection);
  provider.on('revocation.error', recordRejection);
  provider.on('introspection.error', recordRejection);
  provider.on('grant.success', logAccessToken);

  function recordRejection(ctx: KoaContextWithOIDC, error: errors.OIDCProviderError): void {
    const counted = findCountedRejection(ctx);
    const action = counted === 'within quota' ? 'token.issue' : ACTIONS[error.error];
    if (action === undefined || !('oidc' in ctx) || counted === 'beyond quota') return;
    const detail = {
      error: error.error,
      reason: error.error_detail ?? error.error_description ?? null,
      endpoint: ctx.path,
    };
    const actor = ctx.oidc.client?.clientId ?? (findClaimedClientId(ctx)?.slice(0, 255) || null);
    const event = {
      actor,
      address: ctx.ip,
      requestId: requestId(ctx),
      action,
      target: null,
      outcome: 'refused' as const,
      detail,
    };
    // no rate limit applies to a request without a client id: such requests could fill the table
    if (actor === null) logger.info({ event: 'audit.recorded', audit: event, request_id: event.requestId }, action);
    else record(event);
  }

  function logAccessToken(ctx: KoaContextWithOIDC): void {
    const { access_token } = Object(ctx.body);
    if (typeof access_token !== 'string' || !logger.isLevelEnabled('info')) return;
    const { sub, client_id, act, jti, aud, scope } = decodeJwt(access_token);
    logger.info(
      { event: 'access_token.issued', sub, client_id, act, jti, aud, scope, request_id: requestId(ctx) },
      'access token issued',
    );
  }
}
