import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { FEATURES } from '../../mcp/features.ts';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { listPages, readRunnableCommands } from '../support/documentation.ts';
import { isCheckout, listRepositoryFiles } from '../support/list-repository-files.ts';

beforeEach(({ skip }) => {
  if (!isCheckout()) skipOutsideCi(skip, 'The folder is not a git checkout.');
});

test('every relative link of the documentation leads to a file or a folder', () => {
  const broken = listRepositoryFiles('*.md').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\]\(([^()\s]+)\)/g)]
      .map(([, target = '']) => target.split('#')[0] ?? '')
      .filter((target) => target !== '' && !/^[a-z]+:/.test(target) && !existsSync(join(dirname(file), target)))
      .map((target) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('every path that the documentation names in code exists', () => {
  const folders = new Set(listRepositoryFiles('*').map((file) => file.split('/')[0]));
  const named = listRepositoryFiles('*.md').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/`([\w.-]+(?:\/[\w.-]+)+\/?)`/g)]
      .map(([, path = '']) => ({ file, path }))
      // a path begins with a folder of the repository; words in capitals stand for a name
      .filter(({ path }) => folders.has(path.split('/')[0]) && !/[A-Z]{3}/.test(path)),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter(({ file, path }) => !existsSync(path) && !existsSync(join(dirname(file), path)))).toEqual([]);
});

test('every npm script that the documentation names exists', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
  const named = listRepositoryFiles('*.md').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/npm run (?:-s )?([a-z:]+)/g)].map(([, script = '']) => ({ file, script })),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
});

test('the first screen of the README has the two commands, each on a line of its own', () => {
  const firstScreen = readFileSync('README.md', 'utf8').split('\n').slice(0, 30);
  expect(firstScreen).toEqual(expect.arrayContaining(['npm ci && npm start', 'npm ci && npm test']));
});

test('the README names every tool, resource and prompt', () => {
  const readme = readFileSync('README.md', 'utf8');
  const { tools, resources, prompts } = FEATURES;
  const uris = resources.map(({ address }) => ('uri' in address ? address.uri : address.uriTemplate));
  const named = [...tools, ...prompts].map(({ name }) => name).concat(uris.filter((uri) => uri.startsWith('todo:')));
  for (const name of named) expect(readme).toContain(`\`${name}\``);
});

/** Folders, with the page that says what is in them. */
const DESCRIBED = [
  ['api', 'api/README.md'],
  ['api/todos', 'api/README.md'],
  ['api/todos/writes', 'api/README.md'],
  ['auth', 'auth/README.md'],
  ['mcp', 'mcp/README.md'],
  ['shared', 'shared/README.md'],
  ['test', 'test/README.md'],
] as const;

test.each(DESCRIBED)('every file and folder in %s has a link in %s', (folder, page) => {
  const links = [...readFileSync(page, 'utf8').matchAll(/\]\(([^()\s#]+)\)/g)].map(
    ([, target = '']) => `${join(dirname(page), target)}/`,
  );
  const entries = listRepositoryFiles(`${folder}/*`)
    .filter((file) => file !== page && !file.endsWith('.test.ts'))
    .map((file) => join(folder, file.slice(folder.length + 1).split('/')[0] ?? ''));
  expect(entries.length).toBeGreaterThan(5);
  // a link into a folder counts for the folder
  const missing = entries.filter((entry) => !links.some((link) => link.startsWith(`${entry}/`)));
  expect([...new Set(missing)]).toEqual([]);
});

test('the pages with runnable commands are those that start.test.ts runs', () => {
  const pages = listPages().filter((page) => readRunnableCommands(page) !== '');
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/todos-with-curl.md']));
  const outside = listRepositoryFiles('*.md').filter((file) => readRunnableCommands(file) !== '');
  expect(outside.filter((file) => !pages.includes(file))).toEqual([]);
});

test('each threat names a check and a test that exist', () => {
  const rows = [...readFileSync('docs/threat-model.md', 'utf8').matchAll(/^\| (.+) \| (.+) \| (.*\.test\.ts.*) \|$/gm)];
  expect(rows.length).toBeGreaterThan(15);
  for (const [, threat, , tests = ''] of rows) {
    const proofs = [...tests.matchAll(/\]\(\.\.\/([^)]+\.test\.ts)\)((?:,? `[^`]+`)*)/g)];
    expect(proofs.length, threat).toBeGreaterThan(0);
    for (const [, file = '', names = ''] of proofs) {
      const named = [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
      expect(named.length, `${threat}: ${file} without the name of a test`).toBeGreaterThan(0);
      const text = readFileSync(file, 'utf8');
      for (const name of named) expect(text.includes(name), `${file} has a test "${name}"`).toBe(true);
    }
  }
});

/** Words without a clear actor, which the project does not use. `allowed` files quote them, each for a reason. */
const UNCLEAR = /whoever|nobody|somebody|is none of/i;
const ALLOWED: Readonly<Record<string, string>> = {
  'test/repository/documentation.test.ts': 'it names the words',
};

test('no comment, message or page uses words without a clear actor', () => {
  const found = ['*.ts', '*.md'].flatMap(listRepositoryFiles).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (UNCLEAR.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
  expect(found.filter((line) => ALLOWED[line.split(':')[0] ?? ''] === undefined)).toEqual([]);
  for (const file of Object.keys(ALLOWED))
    expect(
      found.some((line) => line.startsWith(`${file}:`)),
      file,
    ).toBe(true);
});
