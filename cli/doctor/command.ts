import { defineCommand, UsageError } from '../command-line/command.ts';

/** Examines what a client needs to reach an MCP endpoint or an API. */
export const doctorCommand = defineCommand({
  name: 'doctor',
  summary: 'find out why a client cannot connect to an MCP endpoint or an API',
  details:
    'The doctor starts from the URL alone, as a client does. It checks each link on the way, says which one is broken, and says how to repair it. With OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET in the environment it also requests an access token and uses it. The exit code is 1 when a link is broken.',
  arguments: { URL: { description: 'an MCP endpoint or an API: http://localhost:3002/mcp' } },
  options: {},
  examples: ['doctor http://localhost:3002/mcp'],
  async run({ arguments: { URL: url } }, { environment }) {
    requireHttpUrl(url);
    const { runDoctor } = await import('./run-doctor.ts');
    return runDoctor(url, environment);
  },
});

function requireHttpUrl(text: string): void {
  const { protocol, username, password, hash } = URL.canParse(text) ? new URL(text) : { protocol: '' };
  if (!/^https?:$/.test(protocol) || username || password || hash)
    throw new UsageError('URL: expected an http or https URL without user name, password and fragment');
}
