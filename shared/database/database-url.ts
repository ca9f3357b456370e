import * as z from 'zod';

/** How a connection uses TLS. The modes are those of libpq's `sslmode`, and `no-verify`, which node-postgres added. */
export type Tls = {
  readonly mode: (typeof SSL_MODES)[number];
  /** Files in PEM: the certificates of the trusted CAs, and the certificate and key of this client. */
  readonly rootCertificateFile: string | undefined;
  readonly certificateFile: string | undefined;
  readonly keyFile: string | undefined;
};

/** The parts of a PostgreSQL connection URL. What is absent has the default of the driver. */
export type DatabaseUrl = {
  /** A host name, an IP address, or the directory of a Unix socket, which begins with `/`. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly applicationName: string | undefined;
  /** Options for the server, such as `-c statement_timeout=5000`. */
  readonly options: string | undefined;
  readonly channelBinding: boolean;
  readonly tls: Tls | undefined;
};

/**
 * `prefer` and `allow` are missing: they continue in clear text when TLS fails, so an attacker on the network decides
 * whether the password is encrypted.
 */
const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full', 'no-verify'] as const;

/**
 * The parameters after the `?`. Any other is rejected, because a parameter that has no effect may be one on which the
 * operator relies, such as `sslcrl`.
 */
const PARAMETERS = {
  host: text('host'),
  port: z.string().refine(isPort, 'a port number in the parameter port'),
  user: text('user'),
  password: text('password'),
  application_name: text('application_name'),
  options: text('options'),
  sslmode: z.enum(SSL_MODES, `sslmode to be one of ${SSL_MODES.join(', ')}`),
  sslrootcert: text('sslrootcert'),
  sslcert: text('sslcert'),
  sslkey: text('sslkey'),
  channel_binding: z.enum(['disable', 'prefer', 'require'], 'channel_binding to be disable, prefer or require'),
  /** With it node-postgres gives `sslmode` the meaning that it always has here. */
  uselibpqcompat: z.literal('true', 'uselibpqcompat to be true'),
};

const KNOWN_PARAMETERS = `no parameters but ${Object.keys(PARAMETERS).join(', ')}`;

const Parameters = z
  .strictObject(PARAMETERS, {
    error: ({ code }) => (code === 'unrecognized_keys' ? KNOWN_PARAMETERS : undefined),
  })
  .partial()
  .refine(
    ({ sslcert, sslkey }) => (sslcert === undefined) === (sslkey === undefined),
    'both sslcert and sslkey, or neither',
  )
  .refine(
    // any holder of a certificate of a public CA could otherwise stand for the server
    ({ sslmode, sslrootcert }) => sslmode !== 'verify-ca' || sslrootcert !== undefined,
    'sslrootcert with sslmode=verify-ca, or sslmode=verify-full',
  )
  .refine(
    ({ sslmode, sslrootcert }) => sslrootcert !== SYSTEM || sslmode === undefined || sslmode === 'verify-full',
    'sslmode=verify-full with sslrootcert=system',
  )
  .refine(
    // the driver uses channel binding when the server offers it, and cannot insist on it; a verified server needs none
    ({ sslmode, channel_binding }) => channel_binding !== 'require' || sslmode === 'verify-full',
    'sslmode=verify-full with channel_binding=require',
  );

/** The value of `sslrootcert` that stands for the CAs that Node trusts. */
const SYSTEM = 'system';

/**
 * Parses a PostgreSQL connection URL in the form of libpq: `postgresql://user:password@host:port/database?sslmode=…`, or
 * `postgresql:///database?host=/run/postgresql` for a Unix socket. It reads no files.
 * @throws {InvalidDatabaseUrlError}
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const url = parseUrl(text);
  const { success, data: parameters, error } = Parameters.safeParse(parseParameters(url));
  if (!success) throw new InvalidDatabaseUrlError(error.issues[0]?.message ?? KNOWN_PARAMETERS);
  const port = parameters.port ?? url.port;
  return {
    host: parameters.host ?? present(decodeURIComponent(url.hostname).replace(/^\[(.+)\]$/, '$1')),
    port: port === '' ? undefined : Number(port),
    user: parameters.user ?? present(decodeURIComponent(url.username)),
    password: parameters.password ?? present(decodeURIComponent(url.password)),
    database: present(decodeURIComponent(url.pathname.slice(1))),
    applicationName: parameters.application_name,
    options: parameters.options,
    channelBinding: parameters.channel_binding === 'prefer' || parameters.channel_binding === 'require',
    tls: tlsOf(parameters),
  };
}

/** A URL is not a valid PostgreSQL connection URL. The message says what is expected, and repeats nothing of the URL. */
export class InvalidDatabaseUrlError extends Error {
  override readonly name = 'InvalidDatabaseUrlError';
  readonly expected: string;

  constructor(expected: string) {
    super(`the URL of a database is not valid: expected ${expected}`);
    this.expected = expected;
  }
}

/** Certificates without `sslmode` are there to be verified. */
function tlsOf({ sslmode, sslrootcert, sslcert, sslkey }: z.infer<typeof Parameters>): Tls | undefined {
  const mode = sslmode ?? (sslrootcert === undefined && sslcert === undefined ? undefined : 'verify-full');
  if (mode === undefined) return undefined;
  return {
    mode,
    rootCertificateFile: sslrootcert === SYSTEM ? undefined : sslrootcert,
    certificateFile: sslcert,
    keyFile: sslkey,
  };
}

function parseUrl(text: string): URL {
  try {
    // libpq allows a user without a host, URL does not: the driver's default host takes its place
    const url = new URL(text.replace(/^(\w+:\/\/[^/?#]*@)(?=[/?])/, '$1localhost'));
    // each part is decoded, which throws on a malformed one
    for (const part of [url.username, url.password, url.hostname, url.pathname, url.search]) decodeURIComponent(part);
    if (!isPostgresql(url)) throw new InvalidDatabaseUrlError('a postgresql:// URL');
    // everything after it would have no effect, also an sslmode
    if (text.includes('#')) throw new InvalidDatabaseUrlError('# to be written as %23');
    return url;
  } catch (error) {
    throw error instanceof InvalidDatabaseUrlError ? error : new InvalidDatabaseUrlError('a postgresql:// URL');
  }
}

/** The parameters as libpq reads them: `+` is a plus sign, not a space as in a form. */
function parseParameters({ search }: URL): Record<string, string> {
  const pairs = search.slice(1).split('&').filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', value = ''] = pair.split(/=(.*)/s);
      return [decodeURIComponent(name), decodeURIComponent(value)];
    }),
  );
}

function text(parameter: string) {
  return z.string().min(1, `a value for the parameter ${parameter}`);
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

function isPostgresql({ protocol }: URL): boolean {
  return protocol === 'postgresql:' || protocol === 'postgres:';
}

function present(text: string): string | undefined {
  return text === '' ? undefined : text;
}
