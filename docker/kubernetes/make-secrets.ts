import { randomBytes } from 'node:crypto';

// Prints the Secrets of yata, with new random values, for kubectl. The URLs of the two databases come from the environment:
//   AUTH_DATABASE_URL=postgresql://… API_DATABASE_URL=postgresql://… node docker/kubernetes/make-secrets.ts | kubectl create -f -
// `create`, not `apply`: it fails when the Secrets exist. Other values would make what the database has encrypted unreadable.
const NAMESPACE = 'yata';

const newSecret = () => randomBytes(32).toString('base64url');
const [apiSecret, mcpSecret] = [newSecret(), newSecret()];
const databaseUrls = { auth: requireUrl('AUTH_DATABASE_URL'), api: requireUrl('API_DATABASE_URL') };

const secrets = {
  auth: {
    'database-url': databaseUrls.auth,
    'key-encryption-key': randomBytes(32).toString('base64'),
    'api-client-secret': apiSecret,
    'mcp-client-secret': mcpSecret,
  },
  api: { 'database-url': databaseUrls.api, 'client-secret': apiSecret },
  mcp: { 'client-secret': mcpSecret },
  'first-clients': { 'admin-client.env': credentials('admin'), 'demo-client.env': credentials('demo') },
};
for (const [name, stringData] of Object.entries(secrets)) {
  const metadata = { name, namespace: NAMESPACE };
  // JSON is YAML, and needs no escaping of its own
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', stringData };
  process.stdout.write(`---\n${JSON.stringify(secret)}\n`);
}

function credentials(clientId: string): string {
  return `OAUTH_CLIENT_ID=${clientId}\nOAUTH_CLIENT_SECRET=${newSecret()}\n`;
}

function requireUrl(name: string): string {
  const url = process.env[name];
  if (url !== undefined && /^postgres(ql)?:\/\//.test(url)) return url;
  // the value may contain a password, so it is not repeated
  process.stderr.write(`${name}: expected the postgresql:// URL of the database, and nothing was printed\n`);
  process.exit(1);
}
