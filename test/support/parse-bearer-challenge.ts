/**
 * Parses the parameters of a WWW-Authenticate header. Bearer must be its first scheme, because some clients read no
 * further; otherwise there are no parameters.
 */
export function parseBearerChallenge({ headers }: Response): Record<string, string> {
  const [, parameters = ''] = /^Bearer (.*)$/.exec(headers.get('www-authenticate') ?? '') ?? [];
  return Object.fromEntries(Array.from(parameters.matchAll(/(\w+)="([^"]*)"/g), ([, name, value]) => [name, value]));
}
