import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';

// Creates a certificate for the hosts of the three addresses, unless there is one. It is for a first try: no client trusts
// it until it is told to.
const CERTIFICATE = '/tls/fullchain.pem';
const KEY = '/tls/privkey.pem';

if (!existsSync(CERTIFICATE) || !existsSync(KEY)) {
  const given = ['AUTH_ISSUER', 'API_RESOURCE', 'MCP_RESOURCE'].map(
    (name) => new URL(process.env[name] ?? '').hostname,
  );
  const hosts = [...new Set(['localhost', '127.0.0.1', ...given])];
  const names = hosts.map((host) => `${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`).join();
  process.umask(0o077);
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '365'],
    ...['-subj', '/CN=yata', '-addext', `subjectAltName=${names}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-keyout', KEY, '-out', CERTIFICATE],
  ]);
  process.stdout.write(`created a certificate for ${hosts.join(', ')}\n`);
}
