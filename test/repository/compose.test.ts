import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

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
