import { distance } from 'fastest-levenshtein';
import { findJson } from '../../shared/find-json.ts';
import type { FieldProblem } from '../../shared/http/http-error.ts';
import type { JsonSchema } from './json-schema.ts';

/** Arguments of a tool as they were meant. */
export type ToleratedArguments = {
  readonly args: unknown;
  /** The paths of unknown arguments, which are left out of `args`. */
  readonly ignored: readonly string[];
  /** The arguments whose name is nearly that of a known one. The call must not be executed without them. */
  readonly misnamed: readonly FieldProblem[];
};

type Schema = Readonly<Record<string, unknown>>;

/**
 * Returns the arguments of a tool as hosts and models mean them, by its input schema, also inside lists and objects:
 * - null for an optional argument is absent, unless null has a meaning there;
 * - a string is the JSON in it when the schema wants another type and the JSON has that type;
 * - an unknown argument is ignored, unless its name is nearly a known one: a change without it could be another than meant.
 * A string is never changed where a string is wanted, and a number is no string: "123" and 123 may be two titles.
 */
export function tolerateArguments(args: unknown, inputSchema: JsonSchema): ToleratedArguments {
  const ignored: string[] = [];
  const misnamed: FieldProblem[] = [];
  return { args: tolerate(args, inputSchema, []), ignored, misnamed };

  function tolerate(given: unknown, schema: Schema, path: readonly string[]): unknown {
    const { value, branch } = readAs(given, schema);
    if (Array.isArray(value))
      return value.map((item, index) => tolerate(item, toSchema(branch.items), [...path, String(index)]));
    const properties = toSchema(branch.properties);
    if (!isObject(value) || branch.properties === undefined) return value;
    const required = new Set(toList(branch.required));
    const kept: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) {
      const known = Object.hasOwn(properties, name) ? toSchema(properties[name]) : undefined;
      if (known === undefined) noteUnknown(name, properties, path);
      else if (member !== null || required.has(name) || branchesOf(known).some(({ type }) => type === 'null'))
        kept[name] = tolerate(member, known, [...path, name]);
    }
    return kept;
  }

  function noteUnknown(name: string, properties: Schema, path: readonly string[]): void {
    const field = [...path, name].join('.');
    const near = findNearest(name, Object.keys(properties));
    if (near === undefined) ignored.push(field);
    else misnamed.push({ field, expected: `the name ${near}` });
  }
}

/** Returns a value, or the JSON in a string when only that has a type of the schema, with the branch for its type. */
function readAs(given: unknown, schema: Schema): { readonly value: unknown; readonly branch: Schema } {
  const branches = branchesOf(schema);
  const find = (value: unknown) => branches.find(({ type }) => hasType(value, type));
  const found = find(given);
  if (found !== undefined || typeof given !== 'string') return { value: given, branch: found ?? {} };
  const json = findJson(given);
  const branch = find(json);
  return branch === undefined ? { value: given, branch: {} } : { value: json, branch };
}

function branchesOf(schema: Schema): readonly Schema[] {
  return schema.anyOf === undefined ? [schema] : toList(schema.anyOf).map(toSchema);
}

function hasType(value: unknown, type: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

/** Finds the known name that is most like `name`, if one is near. */
function findNearest(name: string, known: readonly string[]): string | undefined {
  const letters = lettersOf(name);
  return known
    .map((candidate) => ({ candidate, theirs: lettersOf(candidate) }))
    .filter(({ theirs }) => isNear(letters, theirs))
    .sort((one, other) => distance(letters, one.theirs) - distance(letters, other.theirs))[0]?.candidate;
}

function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Whether the letters of two names differ only in an ending, or in one or two letters. */
function isNear(one: string, other: string): boolean {
  if (one === other) return true;
  const shorter = Math.min(one.length, other.length);
  if (shorter < 3) return false;
  return one.startsWith(other) || other.startsWith(one) || distance(one, other) <= (shorter < 5 ? 1 : 2);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toSchema(value: unknown): Schema {
  return isObject(value) ? value : {};
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
