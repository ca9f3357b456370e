import { parseArgs } from 'node:util';

const OPTIONS = {
  name: { type: 'string' },
  scope: { type: 'string' },
  id: { type: 'string' },
  resource: { type: 'string', multiple: true },
  'resource-server': { type: 'string' },
  'public-keys': { type: 'string' },
  'one-token-at-a-time': { type: 'boolean' },
  overlap: { type: 'string' },
  client: { type: 'string' },
  wait: { type: 'boolean' },
  limit: { type: 'string' },
  before: { type: 'string' },
} as const;

/** What comes after each command: the options, and how many words at the most. */
const COMMANDS = {
  'clients create': {
    options: ['name', 'scope', 'id', 'resource', 'resource-server', 'public-keys', 'one-token-at-a-time'],
    operands: 0,
  },
  'clients list': { options: [], operands: 0 },
  'clients show': { options: [], operands: 1 },
  'clients disable': { options: [], operands: 1 },
  'clients enable': { options: [], operands: 1 },
  'clients delete': { options: [], operands: 1 },
  'clients rotate-secret': { options: ['overlap'], operands: 1 },
  'clients set-scope': { options: [], operands: Number.POSITIVE_INFINITY },
  'tokens revoke': { options: ['client', 'wait'], operands: 1 },
  audit: { options: ['limit', 'before'], operands: 0 },
} satisfies Record<string, { options: (keyof typeof OPTIONS)[]; operands: number }>;
type Command = keyof typeof COMMANDS;

/**
 * Reads a command, of which nothing is ignored: what one does not take is a mistake that might cost more than a message.
 * @throws {UsageError}
 */
export function parseCommand(words: readonly string[]) {
  const { values, positionals } = parseWords(words);
  const command = positionals[0] === 'audit' ? 'audit' : positionals.slice(0, 2).join(' ');
  // the second word may be a token whose verb was forgotten
  if (!isCommand(command)) throw new UsageError(`${positionals[0]}: there is no such command`);
  const taken: { options: readonly string[]; operands: number } = COMMANDS[command];
  const option = Object.keys(values).find((name) => !taken.options.includes(name));
  if (option !== undefined) throw new UsageError(`${command} has no option --${option}`);
  const operands = positionals.slice(command.split(' ').length);
  // what it is may be a secret that was put in the wrong place
  if (operands.length > taken.operands)
    throw new UsageError(`${command} has ${operands.length} words after it, of ${taken.operands}`);
  return { command, values, operands };
}

function isCommand(text: string): text is Command {
  return Object.hasOwn(COMMANDS, text);
}

function parseWords(words: readonly string[]) {
  try {
    const parsed = parseArgs({ args: [...words], allowPositionals: true, options: OPTIONS, tokens: true });
    requireOnce(parsed.tokens.flatMap((token) => (token.kind === 'option' ? token.name : [])));
    return parsed;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Of an option that is there twice, the first would be ignored. */
function requireOnce(names: readonly string[]): void {
  const twice = names.find((name, index) => name !== 'resource' && names.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`--${twice} is there twice`);
}

/** The value of an option or operand. An empty one is what a shell makes of a variable that is not set. @throws {UsageError} */
export function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw new UsageError(`${name} is missing`);
  return value;
}

/** The words are none that the command line knows. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
