import * as z from 'zod';
import { type Environment, readEnvironment, resolveEnvironment } from '../shared/configuration/environment.ts';
import {
  databaseUrl,
  dataDirectory,
  identifiers,
  migrations,
  port,
  processVariables,
  trustedProxies,
  wholeNumber,
} from '../shared/configuration/variables.ts';
import { CLIENT_SECRET } from './clients/client-secret.ts';
import { KeyEncryptionKeys } from './signing-keys/key-encryption-key.ts';
import { SIGNING_ALGORITHMS } from './signing-keys/signing-algorithms.ts';

const DECLARED_SECRETS =
  '43 or more characters of base64url, from 256 random bits; while you change it, the new and the old one with a comma between them';

/**
 * The secrets of a client that an operator declares, each so long that it cannot be guessed. There is more than one only
 * while the operator changes the secret.
 */
const declaredSecrets = z.string().transform((text, refinement): readonly [string, ...string[]] => {
  const [first, ...others] = text.split(/[\s,]+/).filter(Boolean);
  if (first !== undefined && [first, ...others].every((secret) => CLIENT_SECRET.test(secret)))
    return [first, ...others];
  refinement.addIssue(DECLARED_SECRETS);
  return z.NEVER;
});

const ROTATION = 'days, 1 to 3650, or off';
const DOCUMENT_HOSTS = 'any, off, or host names such as claude.ai, separated by spaces or commas';

/** The hosts of client ID metadata documents. */
const documentHosts = z
  .string()
  .default('any')
  .transform((text, refinement): 'any' | 'off' | ReadonlySet<string> => {
    if (text === 'any' || text === 'off') return text;
    const hosts = text
      .toLowerCase()
      .split(/[\s,]+/)
      .filter(Boolean);
    if (hosts.length > 0 && hosts.every((host) => /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(host))) return new Set(hosts);
    refinement.addIssue(DOCUMENT_HOSTS);
    return z.NEVER;
  });

export type AuthConfig = ReturnType<typeof readAuthConfig>;

/**
 * Reads the configuration of the authorization server from environment variables.
 * @throws {InvalidConfigurationError}
 */
export function readAuthConfig(given: Environment) {
  const environment = resolveEnvironment(given);
  return readEnvironment(
    z
      .object({
        ...identifiers(environment),
        ...processVariables,
        AUTH_PORT: port.default(3000),
        AUTH_DATABASE_URL: databaseUrl,
        MIGRATIONS: migrations,
        YATA_DATA_DIR: dataDirectory,
        /** The reverse proxies whose X-Forwarded-For is trusted, and each of which may have all connections. */
        AUTH_TRUSTED_PROXIES: trustedProxies,
        /**
         * The keys that encrypt the signing keys: the first encrypts, all decrypt. Absent means that a file in the data
         * directory has them.
         */
        AUTH_KEY_ENCRYPTION_KEY: KeyEncryptionKeys.optional(),
        /** The algorithm with which access tokens are signed. */
        AUTH_SIGNING_ALG: z.enum(SIGNING_ALGORITHMS, SIGNING_ALGORITHMS.join(', ')).default('ES256'),
        /** The days after which another key signs, or `off`. */
        AUTH_KEY_ROTATION: z.union([z.literal('off'), wholeNumber('days', 1, 3_650)], ROTATION).default(90),
        /** The lifetime of an access token, in seconds. */
        ACCESS_TOKEN_TTL: wholeNumber('seconds', 10, 86_400).default(3_600),
        /** The seconds after which a refresh token that was not used expires. */
        REFRESH_TOKEN_TTL: wholeNumber('seconds', 60, 31_536_000).default(2_592_000),
        /** For how many seconds a refresh token that was used can be used again, until its successor is used. */
        REFRESH_TOKEN_GRACE: wholeNumber('seconds', 0, 3_600).default(60),
        /** The seconds after which a person has to allow an assistant again, however often it is used. */
        CONNECTION_TTL: wholeNumber('seconds', 60, 315_360_000).default(31_536_000),
        /** The seconds after which a person has to sign in again. */
        SESSION_TTL: wholeNumber('seconds', 60, 31_536_000).default(1_209_600),
        /** Whether clients may register themselves (RFC 7591). */
        AUTH_REGISTRATION: z.enum(['open', 'off'], 'open or off').default('open'),
        /** Whose client ID metadata documents are accepted: `any`, `off`, or hosts. */
        AUTH_CLIENT_METADATA_DOCUMENTS: documentHosts,
        /** For how many days audit events are kept. */
        AUDIT_RETENTION_DAYS: wholeNumber('days', 1, 36_500).default(365),
        /** The secrets of the client `mcp`, the MCP server; absent means that one is created at the first start. */
        MCP_CLIENT_SECRET: declaredSecrets.optional(),
        /** The secrets of the client `api`, the todo API; absent means that one is created at the first start. */
        API_CLIENT_SECRET: declaredSecrets.optional(),
      })
      .refine(
        ({ API_CLIENT_SECRET = [], MCP_CLIENT_SECRET = [] }) =>
          new Set([...API_CLIENT_SECRET, ...MCP_CLIENT_SECRET]).size ===
          new Set(API_CLIENT_SECRET).size + new Set(MCP_CLIENT_SECRET).size,
        { path: ['API_CLIENT_SECRET'], message: 'another secret than MCP_CLIENT_SECRET' },
      ),
    environment,
  );
}
