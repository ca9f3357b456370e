import { readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { isCheckout, listRepositoryFiles } from '../support/list-repository-files.ts';

/** Folders with code that is not a part of the services. Every other folder with code is in the image. */
const NOT_IN_THE_IMAGE = ['bench', 'docker', 'docs', 'scripts', 'test'];

const lines = (file: string) => readFileSync(file, 'utf8').split('\n');

beforeEach(({ skip }) => {
  if (!isCheckout()) skipOutsideCi(skip, 'The folder is not a git checkout.');
});

test('the folders of the image are those of the product', () => {
  const folders = listFolders();
  expect(listProductFolders()).toEqual(expect.arrayContaining(['api', 'auth', 'cli', 'mcp', 'shared']));
  expect(folders).toEqual(expect.arrayContaining(NOT_IN_THE_IMAGE));
});

test('the Dockerfile copies every folder of the product, and no other', () => {
  const copied = lines('docker/Dockerfile').flatMap((line) => /^COPY (\S+) \1$/.exec(line)?.[1] ?? []);
  expect(copied.sort()).toEqual(listProductFolders());
  const sources = lines('docker/Dockerfile').filter((line) => line.startsWith('COPY') && !line.includes('--from='));
  expect(sources.filter((line) => !/^COPY (\S+) \1$/.test(line))).toEqual([
    'COPY package.json package-lock.json ./',
    'COPY package.json yata.ts ./',
    'COPY docker/make-secrets.ts docker/change-secret.ts docker/',
  ]);
});

test('.dockerignore lets every folder of the product into the build, and of the others only what the build copies', () => {
  const [first, ...rest] = lines('.dockerignore').filter((line) => line !== '' && !line.startsWith('#'));
  expect(first).toBe('*');
  const admitted = rest.flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  expect(admitted.sort()).toEqual(
    [
      ...listProductFolders(),
      'docker/change-secret.ts',
      'docker/make-secrets.ts',
      'package-lock.json',
      'package.json',
      'yata.ts',
    ].sort(),
  );
});

test('.dockerignore keeps test code, documentation and secrets out of the image', () => {
  const excluded = lines('.dockerignore').filter((line) => line !== '' && !/^[#!]/.test(line));
  expect(excluded).toEqual(['*', '**/*.test.ts', '**/testing', '**/*.md']);
});

/** Lists the folders at the root that have TypeScript files in them. */
function listFolders(): string[] {
  const files = listRepositoryFiles('*.ts').filter((file) => file.includes('/'));
  return [...new Set(files.map((file) => file.slice(0, file.indexOf('/'))))].sort();
}

function listProductFolders(): string[] {
  return listFolders().filter((folder) => !NOT_IN_THE_IMAGE.includes(folder));
}
