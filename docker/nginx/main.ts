import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { writeNginxConfiguration } from './configuration.ts';
import { openNameServer } from './name-server.ts';

// The service `nginx` of compose.scale.yml: nginx, and the name server that tells it which instances are ready.

const PORTS = { auth: 3000, api: 3001, mcp: 3002 } as const;
const DIRECTORY = '/run/nginx';
const CONFIGURATION = `${DIRECTORY}/nginx.conf`;
const log = (fields: object) => process.stdout.write(`${JSON.stringify({ time: new Date(), ...fields })}\n`);

const urls = { auth: url('AUTH_ISSUER'), api: url('API_RESOURCE'), mcp: url('MCP_RESOURCE') };
const services = Object.entries(PORTS).map(([name, port]) => ({ name, port }));
await using nameServer = await openNameServer({ services, log });
// each service has a port of its own, and all of them are at 443, where the host decides
const listen = (service: keyof typeof PORTS) => ['443', String(PORTS[service])];
writeFileSync(
  CONFIGURATION,
  writeNginxConfiguration(readFileSync('example.conf', 'utf8'), {
    urls,
    instances: { auth: `auth:${PORTS.auth}`, api: `api:${PORTS.api}`, mcp: `mcp:${PORTS.mcp}` },
    listen: { auth: listen('auth'), api: listen('api'), mcp: listen('mcp') },
    internal: { auth: '8000', api: '8001' },
    health: '127.0.0.1:8080',
    nameServerPort: nameServer.port,
    certificate: '/tls/fullchain.pem',
    key: '/tls/privkey.pem',
    directory: DIRECTORY,
  }),
);
const nginx = spawn('nginx', ['-c', CONFIGURATION, '-e', 'stderr'], { stdio: 'inherit' });
// nginx finishes the requests that it has begun (SIGQUIT), and reads its certificate again (SIGHUP)
process.on('SIGTERM', () => nginx.kill('SIGQUIT')).on('SIGINT', () => nginx.kill('SIGQUIT'));
process.on('SIGHUP', () => nginx.kill('SIGHUP'));
const [code, signal] = await once(nginx, 'exit');
process.exitCode = code ?? (signal === 'SIGQUIT' ? 0 : 1);

function url(name: string): URL {
  const value = process.env[name] ?? '';
  if (URL.canParse(value) && new URL(value).protocol === 'https:') return new URL(value);
  process.stderr.write(`${name}: expected an https URL, because nginx accepts TLS only\n`);
  process.exit(1);
}
