import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const compose = readFileSync('docker-compose.yml', 'utf8');

/** The lines of each block that begins with a name at this indentation, after `heading`. */
function readBlocks(heading: string, indentation: number): Map<string, string> {
  const section = compose.slice(compose.indexOf(`\n${heading}:\n`) + heading.length + 3).split(/\n(?=\S)/)[0] ?? '';
  const blocks = section.split(new RegExp(`^ {${indentation}}(?=[\\w-]+:$)`, 'm')).slice(1);
  return new Map(blocks.map((block) => [block.slice(0, block.indexOf(':')), block]));
}

/** What `<<: *name` puts in, up to the next block at the margin. */
function readAnchor(name: string): string {
  const [, text = ''] = compose.split(`: &${name}\n`);
  const own = text.split(/\n(?=\S)/)[0] ?? '';
  const [, merged] = /^ {2}<<: \*(\w+)$/m.exec(own) ?? [];
  return merged === undefined ? own : `${readAnchor(merged)}\n${own}`;
}

const services = readBlocks('services', 2);

test.each([...services])('%s has limits of memory, processes and open files', (_, block) => {
  const [, anchor = ''] = /^ {4}<<: \*(\w+)$/m.exec(block) ?? [];
  const effective = `${readAnchor(anchor)}\n${block}`;
  const memory = [...effective.matchAll(/^ +mem_limit: (\w+)$/gm)].at(-1)?.[1];
  const withSwap = [...effective.matchAll(/^ +memswap_limit: (\w+)$/gm)].at(-1)?.[1];
  expect(memory).toMatch(/^\d+[mg]$/);
  expect(withSwap).toBe(memory);
  expect(effective).toMatch(/^ +pids_limit: \d+$/m);
  // a daemon that may not have more files itself, such as a rootless one, could not start a container with more
  expect(effective).toMatch(/^ +ulimits: \{ nofile: 20000 \}$/m);
});

test.each(['auth', 'api', 'mcp'])('the heap of %s is a part of the memory of its container', (service) => {
  expect(services.get(service)).toContain(`command: [node, --max-old-space-size-percentage=60, ${service}/main.ts]`);
});

test('the file has every service', () => {
  expect([...services.keys()]).toEqual(['secrets', 'postgres', 'auth', 'api', 'mcp', 'prometheus', 'grafana']);
});

type ScaledService = {
  readonly scale?: number;
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
};

const override = readFileSync('docker/compose.scale.yml', 'utf8');
// without the warning that `!reset`, a tag of compose, is unknown
const scaled: Readonly<Record<string, ScaledService>> = parse(override, { merge: true, logLevel: 'error' }).services;

test('compose.scale.yml has two of each service, and only nginx has ports of the host', () => {
  expect(Object.entries(scaled).flatMap(([name, { scale }]) => (scale === undefined ? [] : [[name, scale]]))).toEqual([
    ['auth', 2],
    ['api', 2],
    ['mcp', 2],
  ]);
  // an empty list without the tag would keep the ports of docker-compose.yml
  expect(override.match(/^ {4}ports: !reset \[\]$/gm)).toHaveLength(3);
  expect(Object.keys(scaled).filter((name) => scaled[name]?.ports?.length)).toEqual(['nginx']);
  for (const port of scaled.nginx?.ports ?? [])
    expect(port).toMatch(/^(127\.0\.0\.1|\$\{HTTPS_ADDRESS:-127\.0\.0\.1\}):/);
});

test.each(Object.keys(scaled).filter((name) => !services.has(name)))(
  'the service %s of compose.scale.yml is contained as the others are',
  (name) => {
    expect(scaled[name]).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      pids_limit: 200,
      ulimits: { nofile: 20000 },
    });
    expect(scaled[name]?.mem_limit).toMatch(/^\d+m$/);
    expect(scaled[name]?.memswap_limit).toBe(scaled[name]?.mem_limit);
  },
);

test('with compose.scale.yml, every address that clients use is https, and each service trusts the addresses of nginx', () => {
  for (const name of ['auth', 'api', 'mcp', 'nginx', 'certificate'])
    for (const variable of ['AUTH_ISSUER', 'API_RESOURCE', 'MCP_RESOURCE'])
      expect(scaled[name]?.environment?.[variable]).toMatch(/^\$\{\w+:-https:\/\/localhost:/);
  for (const name of ['auth', 'api', 'mcp'])
    expect(scaled[name]?.environment?.[`${name.toUpperCase()}_TRUSTED_PROXIES`]).toContain('uniquelocal');
});
