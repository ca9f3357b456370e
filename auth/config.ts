import * as z from 'zod';
import { type Environment, readEnvironment, resolveFiles } from '../shared/configuration/environment.ts';
import {
  databaseUrl,
  dataDirectory,
  identifiers,
  listed,
  port,
  processVariables,
} from '../shared/configuration/variables.ts';
import { parseTrustedProxies } from '../shared/http/trusted-proxies.ts';
import { KeyEncryptionKey } from './signing-keys/key-encryption-key.ts';
import { SIGNING_ALGORITHMS } from './signing-keys/signing-key.entity.ts';

const PROXIES =
  'addresses, networks such as 10.0.0.0/8, or loopback, linklocal, uniquelocal, separated by spaces or commas';

export type AuthConfig = ReturnType<typeof readAuthConfig>;

/** Reads what the authorization server is to be. @throws {InvalidConfigurationError} */
export function readAuthConfig(given: Environment) {
  const environment = resolveFiles(given);
  return readEnvironment(
    z.object({
      ...identifiers(environment),
      ...processVariables,
      AUTH_PORT: port.default(3000),
      AUTH_DATABASE_URL: databaseUrl,
      YATA_DATA_DIR: dataDirectory,
      /** The reverse proxies in front, which are believed in X-Forwarded-For; absent: nobody is. */
      AUTH_TRUSTED_PROXIES: z
        .string()
        .transform((value, refinement) => {
          try {
            return parseTrustedProxies(listed(value));
          } catch {
            refinement.addIssue(PROXIES);
            return z.NEVER;
          }
        })
        .optional(),
      /** What signing keys are encrypted under; absent: kept in the data directory. */
      AUTH_KEY_ENCRYPTION_KEY: KeyEncryptionKey.optional(),
      /** What access tokens are signed with. */
      AUTH_SIGNING_ALG: z.enum(SIGNING_ALGORITHMS, SIGNING_ALGORITHMS.join(', ')).default('ES256'),
      /** Seconds that an access token lives. */
      ACCESS_TOKEN_TTL: z.coerce
        .number('seconds, 10 to 86400')
        .int('seconds, 10 to 86400')
        .min(10, 'seconds, 10 to 86400')
        .max(86_400, 'seconds, 10 to 86400')
        .default(3600),
      /** Days that the events of the audit are kept. */
      AUDIT_RETENTION_DAYS: z.coerce
        .number('days, 1 to 36500')
        .int('days, 1 to 36500')
        .min(1, 'days, 1 to 36500')
        .max(36_500, 'days, 1 to 36500')
        .default(365),
      /** The secret of the client that the MCP server is; absent: made at the first start. */
      MCP_CLIENT_SECRET: z
        .string()
        .regex(/^[A-Za-z0-9_-]{43,}$/, '43 or more letters of base64url, from 256 random bits')
        .optional(),
    }),
    environment,
  );
}
