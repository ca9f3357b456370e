import * as z from 'zod';
import { PROBLEMS, type ProblemCode } from '../../shared/todo/problems.ts';

/** Problem details (RFC 9457) with one of `codes`, as `renderProblem` writes them. The members follow from the code. */
export function createProblemSchema(codes: readonly ProblemCode[]): z.ZodType {
  const withoutMembers = codes.filter((code) => membersOf(code) === undefined);
  const schemas = codes
    .filter((code) => membersOf(code) !== undefined)
    .map((code) => createObject([code], membersOf(code)));
  if (withoutMembers.length > 0) schemas.push(createObject(withoutMembers));
  const [first, ...others] = schemas;
  if (first === undefined) throw new TypeError('expected at least one code');
  return others.length === 0 ? first : z.discriminatedUnion('code', [first, ...others]);
}

function membersOf(code: ProblemCode): z.ZodObject | undefined {
  const definition = PROBLEMS[code];
  return 'members' in definition ? definition.members : undefined;
}

function createObject(codes: readonly ProblemCode[], members?: z.ZodObject) {
  return z.object({
    type: z.literal('about:blank').describe('Always `about:blank`. `code` identifies the problem'),
    title: z.string().describe('The reason phrase of the status'),
    status: z.literal([...new Set(codes.map((code) => PROBLEMS[code].status))]),
    code: z.enum(codes).describe('Identifies the problem. Programs decide by it'),
    detail: z.string().describe('What is wrong, for people'),
    errors: z
      .array(z.object({ field: z.string(), expected: z.string() }))
      .optional()
      .describe('Each invalid field, header or parameter, and what is expected there'),
    ...members?.shape,
  });
}
