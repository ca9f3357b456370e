import { readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import type { ImportRule } from './import-rules.ts';
import { ENVIRONMENT, type Import, importsOf, listSourceFiles } from './imports.ts';

/** Returns a line for each import below the folder `root` that breaks one of `rules`, sorted by file. */
export function findForbiddenImports(root: string, rules: readonly ImportRule[]): string[] {
  return listSourceFiles(root).flatMap((file) => checkFile(root, file, rules));
}

function checkFile(root: string, file: string, allRules: readonly ImportRule[]): string[] {
  const rules = allRules.filter(({ files, except = [] }) => matches(file, files) && !matches(file, except));
  const problems: string[] = [];
  if (!rules.some(({ layer }) => layer)) {
    problems.push(`${file}: no rule says what it may import: add its folder to the layers`);
  }
  for (const rule of rules) if ('absent' in rule) problems.push(`${file}: ${rule.because} (rule: ${rule.name})`);
  for (const found of importsOf(file, readFileSync(join(root, file), 'utf8'))) {
    for (const rule of rules) {
      if (!isForbidden(found, rule)) continue;
      const verb = found.target === ENVIRONMENT ? 'reads' : 'imports';
      problems.push(`${file}:${found.line} ${verb} ${found.target}: ${rule.because} (rule: ${rule.name})`);
    }
  }
  return problems;
}

function isForbidden({ target, typeOnly }: Import, rule: ImportRule): boolean {
  if ('absent' in rule) return false;
  if ('only' in rule) return isProjectFile(target) && !matches(target, rule.only);
  return matches(target, rule.never) && !(typeOnly && rule.typesAllowed);
}

function isProjectFile(target: string): boolean {
  return !target.includes(':') && target !== ENVIRONMENT;
}

function matches(path: string, globs: readonly string[]): boolean {
  return globs.some((glob) => matchesGlob(path, glob));
}
