import { readFileSync } from 'node:fs';
import { beforeEach, expect, test, vi } from 'vitest';
import { readApiConfig } from '../../api/config.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { readMcpConfig, readStdioConfig } from '../../mcp/config.ts';

const { names } = vi.hoisted(() => ({ names: new Set<string>() }));

// the names of the variables are known to the schemas alone
vi.mock(import('../../shared/configuration/environment.ts'), async (importOriginal) => {
  const original = await importOriginal();
  return {
    ...original,
    readEnvironment: (schema, environment) => {
      for (const name of Object.keys(schema.shape)) names.add(name);
      return original.readEnvironment(schema, environment);
    },
  };
});

beforeEach(() => names.clear());

const credentials = { OAUTH_CLIENT_ID: 'demo', OAUTH_CLIENT_SECRET: 'secret' };

/** The lines `#NAME=value` of the example. Lines with a space after the # are sentences and are skipped. */
function readExample(): Map<string, string> {
  const lines = readFileSync('.env.example', 'utf8').split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [, name, value = ''] = /^#([A-Z_]+)=(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value] as const];
    }),
  );
}

function readDefaults(): ReadonlyMap<string, unknown> {
  const configs = [readAuthConfig({}), readApiConfig({}), readMcpConfig(credentials), readStdioConfig(credentials)];
  const defaults = new Map(configs.flatMap((config) => Object.entries<unknown>(config)));
  for (const name of Object.keys(credentials)) defaults.delete(name);
  return defaults;
}

test('.env.example names every variable of the three services, and no other', () => {
  readDefaults();
  expect([...readExample().keys()].sort()).toEqual([...names].sort());
});

test('the README names every variable of the three services', () => {
  readDefaults();
  const readme = readFileSync('README.md', 'utf8');
  for (const name of names) expect(readme).toContain(`\`${name}\``);
});

/** Variables that compose sets itself or that have no use in a container. */
const NOT_IN_COMPOSE = ['HOST', 'YATA_DATA_DIR', 'OAUTH_TOKEN_URL'];

test('docker-compose.yml passes or sets every variable of the three services', () => {
  readDefaults();
  const compose = readFileSync('docker-compose.yml', 'utf8');
  const missing = [...names].filter((name) => !new RegExp(`\\b${name}(?:_FILE)?\\b`).test(compose));
  expect(missing.sort()).toEqual(NOT_IN_COMPOSE.toSorted());
});

test('.env.example shows the default of each variable', () => {
  const defaults = readDefaults();
  // a path is shown as it is written in the folder of yata
  const inThisFolder = (value: unknown) => String(value ?? '').replace(`${process.cwd()}/`, '');
  for (const [name, value] of readExample()) expect(value, name).toBe(inThisFolder(defaults.get(name)));
});

test('.env.example describes each variable in the line above it', () => {
  const lines = readFileSync('.env.example', 'utf8').split('\n');
  for (const [index, line] of lines.entries()) {
    if (/^#[A-Z_]+=/.test(line)) expect(lines[index - 1], line).toMatch(/^# .*\.$/);
  }
});
