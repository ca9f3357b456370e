import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory } from '../shared/testing/temporary-directory.ts';
import { findForbiddenImports } from './find-forbidden-imports.ts';
import { IMPORT_RULES } from './import-rules.ts';

/** Each row: a rule, the path of a file, and its content, which breaks this rule and no other. */
const FORBIDDEN: readonly (readonly [rule: string, file: string, content: string])[] = [
  ['yata.ts', 'yata.ts', `import { a } from './auth/main.ts';`],
  ['yata.ts', 'yata.ts', `const { a } = await import('./api/main.ts');`],
  ['cli', 'cli/start.ts', `import { a } from '../test/support/system.ts';`],
  ['cli', 'cli/doctor/walk.ts', `import { a } from '../../yata.ts';`],
  ['auth', 'auth/app.ts', `import { a } from '../api/app.ts';`],
  ['auth', 'auth/app.ts', `import type { A } from '../mcp/app.ts';`],
  ['auth', 'auth/main.ts', `import { a } from '../cli/start.ts';`],
  ['auth', 'auth/main.ts', `const name = './x.ts'; await import(name);`],
  ['api', 'api/todos/todos.ts', `export { a } from '../../auth/clients/clients.ts';`],
  ['api', 'api/todos/todos.test.ts', `import { a } from '../../mcp/tools/index.ts';`],
  ['api', 'api/main.ts', `import '../bench/main.ts';`],
  ['mcp', 'mcp/tools/tool.ts', `export * from '../../api/todos/todos.ts';`],
  ['mcp', 'mcp/tools/tool.ts', `let todo: import('../../api/todos/todos.ts').Todo;`],
  ['mcp', 'mcp/main.ts', `await import('../auth/main.ts');`],
  ['shared', 'shared/http/serve.ts', `import { a } from '../../auth/app.ts';`],
  ['shared', 'shared/todo/todo.ts', `import type { A } from '../../api/app.ts';`],
  ['examples', 'docs/examples/mcp-client.ts', `import { a } from '../../mcp/features.ts';`],
  ['docker', 'docker/make-secrets.ts', `import { a } from '../auth/config.ts';`],
  [
    'the resource server is self-contained',
    'shared/resource-server/issuer.ts',
    `import { a } from '../http/parse-body.ts';`,
  ],
  ['the resource server is self-contained', 'shared/resource-server/koa.ts', `import type { A } from '../scopes.ts';`],
  ['the resource server has no HTTP framework', 'shared/resource-server/challenges.ts', `import Koa from 'koa';`],
  [
    'the resource server has no HTTP framework',
    'shared/resource-server/protected-resource.ts',
    `import type { Router } from '@koa/router';`,
  ],
  ['values of oidc-provider', 'auth/app.ts', `import { errors } from 'oidc-provider';`],
  ['values of oidc-provider', 'auth/grants/token-exchange.ts', `import { type Client, errors } from 'oidc-provider';`],
  ['values of oidc-provider', 'auth/app.ts', `export { errors } from 'oidc-provider';`],
  ['values of oidc-provider', 'auth/app.ts', `import a from 'oidc-provider/lib/helpers/weak_cache.js';`],
  ['sign-in is above the provider', 'auth/provider/provider.ts', `import { a } from '../sign-in/sign-in.ts';`],
  ['types of oidc-provider', 'api/app.ts', `import type { Client } from 'oidc-provider';`],
  ['entities', 'api/todos/todo.entity.ts', `import { a } from './todos.ts';`],
  ['definitions', 'auth/status-lists/status-changes.ts', `import { a } from './status-lists.ts';`],
  ['features', 'api/todos/routes.ts', `import { a } from '../app.ts';`],
  ['features', 'mcp/tools/tool.ts', `import type { A } from '../stdio.ts';`],
  ['views', 'mcp/views/host.ts', `export const a = 1;`],
  ['the environment', 'auth/app.ts', `export const a = process.env.AUTH_URL;`],
  ['the environment', 'shared/http/serve.ts', `const { HOST } = process.env;`],
  ['the environment', 'cli/doctor/walk.ts', `const { env } = process;`],
  ['the environment', 'api/app.ts', `export const a = globalThis.process['env'];`],
  ['the environment', 'mcp/app.ts', `import { env } from 'node:process';`],
  ['test code', 'auth/main.ts', `import { a } from '../shared/testing/free-port.ts';`],
  ['test code', 'shared/http/serve.ts', `import { expect } from 'vitest';`],
];

const ALLOWED: readonly (readonly [file: string, content: string])[] = [
  ['yata.ts', `import { a } from './cli/commands.ts';`],
  ['cli/start.ts', `await import('../auth/main.ts'); await import('../mcp/main.ts'); process.env.HOST;`],
  ['auth/main.ts', `import { a } from './app.ts'; import { b } from '../shared/http/serve.ts'; process.env.HOST;`],
  ['auth/app.ts', `import type Provider from 'oidc-provider'; import { a } from './clients/clients.ts';`],
  ['auth/app.ts', `import { type Client, type Grant } from 'oidc-provider';`],
  ['auth/provider/provider.ts', `import Provider, { errors } from 'oidc-provider';`],
  ['auth/clients/clients.test.ts', `import { a } from '../../shared/testing/free-port.ts'; import 'vitest';`],
  [
    'api/todos/todo.entity.ts',
    `import { a } from './todo-list.entity.ts'; import { b } from '../../shared/todo/todo.ts';`,
  ],
  ['auth/clients/client.entity.ts', `import { a } from './client-authentication-methods.ts';`],
  ['api/testing/start-api.ts', `import { a } from '../app.ts'; import { b } from '../../shared/testing/free-port.ts';`],
  ['mcp/stdio.ts', `export const a = process.env.API_BASE_URL;`],
  ['mcp/resources/view.ts', `new URL('../views/todo-list.html', import.meta.url);`],
  ['shared/http/serve.ts', `import { a } from '../resource-server/issuer.ts'; import Koa from 'koa';`],
  ['shared/resource-server/koa.ts', `import Koa from 'koa'; import { a } from './issuer.ts';`],
  ['shared/resource-server/issuer.ts', `import { a } from './challenges.ts'; import { b } from 'jose';`],
  ['shared/resource-server/issuer.test.ts', `import { a } from '../testing/token-issuer.ts';`],
  ['docker/make-secrets.ts', `import { a } from '../shared/configuration/private-file.ts';`],
  [
    'test/mcp/tools.test.ts',
    `import '../../api/app.ts'; import '../../mcp/app.ts'; import { errors } from 'oidc-provider';`,
  ],
  ['bench/main.ts', `import '../auth/app.ts'; import '../test/support/system.ts'; process.env.HOST;`],
];

test.each(FORBIDDEN)('the rule "%s" rejects %s with %s', (rule, file, content) => {
  using project = makeProject({ [file]: content });
  const problems = findForbiddenImports(project.path, IMPORT_RULES);
  expect(problems).not.toEqual([]);
  for (const problem of problems) expect(problem).toMatch(new RegExp(`^${file}:?.* \\(rule: ${rule}\\)$`));
});

test('every rule has a fixture that it rejects', () => {
  const restricting = IMPORT_RULES.filter((rule) => !('only' in rule && rule.only.includes('**')));
  expect(new Set(FORBIDDEN.map(([rule]) => rule))).toEqual(new Set(restricting.map(({ name }) => name)));
});

test.each(ALLOWED)('the rules allow %s with %s', (file, content) => {
  using project = makeProject({ [file]: content });
  expect(findForbiddenImports(project.path, IMPORT_RULES)).toEqual([]);
});

test('a file of a folder without a rule is rejected', () => {
  using project = makeProject({ 'worker/job.entity.ts': 'export const a = 1;' });
  expect(findForbiddenImports(project.path, IMPORT_RULES)).toEqual([
    'worker/job.entity.ts: no rule says what it may import: add its folder to the layers',
  ]);
});

test('a file that cannot be parsed is an error', () => {
  using project = makeProject({ 'auth/app.ts': 'import {' });
  expect(() => findForbiddenImports(project.path, IMPORT_RULES)).toThrow(/^auth\/app\.ts cannot be parsed: /);
});

test('npm run check runs the import check, which exits with 1 and names the line', () => {
  using project = makeProject({ 'api/app.ts': `\nimport { a } from '../auth/app.ts';` });
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(scripts.check).toContain('node scripts/check-imports.ts');
  const { status, stderr } = spawnSync(process.execPath, ['scripts/check-imports.ts', project.path], {
    encoding: 'utf8',
  });
  expect(stderr).toMatch(/^api\/app\.ts:2 imports auth\/app\.ts: .*the services meet over HTTP \(rule: api\)\n$/);
  expect(status).toBe(1);
});

function makeProject(files: Readonly<Record<string, string>>): Disposable & { readonly path: string } {
  const directory = makeTemporaryDirectory();
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory.path, file)), { recursive: true });
    writeFileSync(join(directory.path, file), content);
  }
  return directory;
}
