import { globSync } from 'node:fs';
import { posix, sep } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

/** The target of a read of the environment, which the rules treat as an import. */
export const ENVIRONMENT = 'process.env';

/** Something that a file imports: a path from the root, `npm:PACKAGE`, `node:MODULE`, or `process.env` that it reads. */
export type Import = { readonly target: string; readonly line: number; readonly typeOnly: boolean };

/** Lists the TypeScript files below the folder `root`, sorted, as paths from it with `/`. */
export function listSourceFiles(root: string): string[] {
  const files = globSync('**/*.ts', { cwd: root, exclude: ['**/node_modules', '**/.git', 'data'] });
  return files.map((file) => file.split(sep).join('/')).sort();
}

/** Lists the imports of a file: static, dynamic, of types, and re-exports. */
export function importsOf(file: string, source: string): Import[] {
  const { program, module, errors } = parseSync(file, source);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file} cannot be parsed: ${error.message}`);
  const imports: Import[] = [];
  const add = (target: string, start: number, typeOnly: boolean) =>
    imports.push({ target, line: source.slice(0, start).split('\n').length, typeOnly });
  const addModule = (specifier: string, start: number, typeOnly: boolean) =>
    add(resolveSpecifier(file, specifier), start, typeOnly);

  for (const { moduleRequest, entries, start } of module.staticImports) {
    addModule(moduleRequest.value, start, entries.length > 0 && entries.every(({ isType }) => isType));
  }
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, start, isType } of entries) {
      if (moduleRequest !== null) addModule(moduleRequest.value, start, isType);
    }
  }
  new Visitor({
    ImportExpression({ source: specifier, start }) {
      if (specifier.type === 'Literal' && typeof specifier.value === 'string') addModule(specifier.value, start, false);
      else add('an expression', start, false);
    },
    TSImportType({ source: specifier, start }) {
      addModule(specifier.value, start, true);
    },
    MemberExpression({ object, property, start }) {
      const isProcess =
        (object.type === 'Identifier' && object.name === 'process') ||
        (object.type === 'MemberExpression' && nameOf(object.property) === 'process');
      if (isProcess && nameOf(property) === 'env') add(ENVIRONMENT, start, false);
    },
    VariableDeclarator({ id, init, start }) {
      if (init?.type !== 'Identifier' || init.name !== 'process' || id.type !== 'ObjectPattern') return;
      const names = id.properties.map((property) => (property.type === 'Property' ? nameOf(property.key) : 'env'));
      if (names.includes('env')) add(ENVIRONMENT, start, false);
    },
  }).visit(program);
  return imports;
}

function resolveSpecifier(file: string, specifier: string): string {
  if (specifier === 'node:process') return ENVIRONMENT;
  if (specifier.startsWith('node:')) return specifier;
  if (specifier.startsWith('.')) return posix.join(posix.dirname(file), specifier);
  // a file of a package counts as the package
  const [scope, name] = specifier.split('/');
  return specifier.startsWith('@') ? `npm:${scope}/${name}` : `npm:${scope}`;
}

function nameOf(node: { readonly type: string; readonly name?: unknown; readonly value?: unknown }): unknown {
  return node.type === 'Identifier' ? node.name : node.value;
}
