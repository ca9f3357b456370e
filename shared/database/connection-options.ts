import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import pg from 'pg';
import { type DatabaseUrl, parseDatabaseUrl, type Tls } from './database-url.ts';

/**
 * Creates the options of a connection to the database at `url`. Every connection gets its options here, so that each is
 * encrypted and verified as the URL says. It reads the certificates that the URL names.
 * @throws {InvalidDatabaseUrlError}
 * @throws {Error} when a certificate cannot be read.
 */
export function createConnectionOptions(url: string): pg.ClientConfig {
  const { tls, applicationName, channelBinding, password, options, ...given } = parseDatabaseUrl(url);
  const server = withDefaults(given);
  return {
    ...server,
    password,
    options,
    application_name: applicationName,
    enableChannelBinding: channelBinding,
    ssl: createTlsOptions(tls, server.host),
  };
}

/**
 * Names the database at `url` and its server, without the user and the password.
 * @returns `{ database: '"auth"', server: 'localhost:5432' }`; the server of a Unix socket is its directory.
 */
export function describeDatabase(url: string): { database: string; server: string } {
  const { database, host, port } = withDefaults(parseDatabaseUrl(url));
  const name = host.includes(':') ? `[${host}]` : host;
  return { database: `"${database}"`, server: isSocketDirectory(host) ? host : `${name}:${port}` };
}

/** Adds the defaults of the driver, which a client knows that does not connect. */
function withDefaults({ host, port, user, database }: Pick<DatabaseUrl, 'host' | 'port' | 'user' | 'database'>) {
  const client = new pg.Client({ host, port, user, database, ssl: false });
  // as libpq does; the driver knows only the variable USER, which a container need not have
  const role = client.user ?? userInfo().username;
  return { host: client.host, port: client.port, user: role, database: client.database ?? role };
}

function createTlsOptions(tls: Tls | undefined, host: string): ConnectionOptions | false {
  // as in libpq, `sslmode` does not concern a Unix socket
  if (tls?.mode === 'disable' || isSocketDirectory(host)) return false;
  // not undefined: the driver would then read PGSSLMODE, which no other part of yata knows
  if (tls === undefined) return false;
  const certificates = {
    ca: tls.rootCertificateFile && readCertificate('sslrootcert', tls.rootCertificateFile),
    cert: tls.certificateFile && readCertificate('sslcert', tls.certificateFile),
    key: tls.keyFile && readCertificate('sslkey', tls.keyFile),
  };
  const acceptAnyName = { checkServerIdentity: () => undefined };
  switch (tls.mode) {
    case 'no-verify':
      return { ...certificates, rejectUnauthorized: false };
    case 'require':
      // as in libpq, it verifies the CA if the URL names one
      return { ...certificates, ...(certificates.ca ? acceptAnyName : { rejectUnauthorized: false }) };
    case 'verify-ca':
      return { ...certificates, ...acceptAnyName };
    case 'verify-full':
      // for an IP address the driver names no host, and Node would compare the certificate with "localhost"
      return { ...certificates, checkServerIdentity: (_host, certificate) => checkServerIdentity(host, certificate) };
    default:
      return tls.mode satisfies never;
  }
}

function readCertificate(parameter: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(`cannot read ${file}, which the parameter ${parameter} of a database URL names`, { cause });
  }
}

function isSocketDirectory(host: string): boolean {
  return host.startsWith('/');
}
