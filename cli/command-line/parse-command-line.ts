import { CommanderError, createOption, Command as Parser } from 'commander';
import { type Command, type CommandInput, UsageError } from './command.ts';
import { argumentTerm, optionTerm, signature, usage } from './usage.ts';

/** What a command line asks for: a help text, or a run of a command. */
export type Invocation =
  | { readonly kind: 'help'; readonly text: string }
  | {
      readonly kind: 'run';
      readonly command: Command;
      readonly input: CommandInput;
      readonly json: boolean;
      /** The usage of the command, to print below a usage error. */
      readonly help: string;
    };

/** A usage error, with the usage of the command that it is about. */
export class ParseError extends UsageError {
  readonly help: string;

  constructor(message: string, help: string) {
    super(message);
    this.help = help;
  }
}

const HELP_WIDTH_COLUMNS = 100;

const PROGRAM_DESCRIPTION =
  'Starts, examines and administers yata. From a checkout, run `npm run -s yata -- COMMAND`; with Docker, `docker compose exec auth node yata.ts COMMAND`. `COMMAND --help` explains one command.';

/** The values that an option was given, in order: null where its value is missing, undefined for a switch. */
type GivenOptions = Map<string, (string | null | undefined)[]>;

/**
 * Parses the words after `yata` with the table of commands. commander finds the command and its options. Arguments and
 * values are checked here instead, because commander repeats words in its messages, which may be secrets, keeps only the
 * last of two equal options, and accepts empty values.
 * @throws {ParseError}
 */
export function parseCommandLine(words: readonly string[], commands: readonly Command[]): Invocation {
  let invocation: Invocation | undefined;
  let output = '';
  let stopped: Parser | undefined;
  const leaves = new Map<Parser, Command>();
  const helpOption = createOption('-h, --help', 'show this help');
  const jsonOption = createOption('--json', 'print one JSON value to stdout');

  const program: Parser = configure(new Parser('yata'))
    .description(PROGRAM_DESCRIPTION)
    .addOption(jsonOption)
    .configureOutput({
      writeOut: (text) => {
        output += text;
      },
      writeErr: () => {},
      getOutHelpWidth: () => HELP_WIDTH_COLUMNS,
      getOutHasColors: () => false,
    })
    .configureHelp({
      commandUsage: usageLine,
      visibleCommands: (parser) => (parser === program ? [...leaves.keys()] : [...parser.commands]),
      visibleOptions: (parser) => [
        ...parser.options.filter((option) => option !== jsonOption),
        ...(leaves.get(parser)?.longRunning ? [] : [jsonOption]),
        helpOption,
      ],
      optionTerm: ({ flags }) => flags.replace(/[[\]]/g, ''),
      subcommandTerm: (parser) => {
        const command = leaves.get(parser);
        return command === undefined ? parser.name() : signature(command);
      },
      subcommandDescription: (parser) => leaves.get(parser)?.summary ?? parser.description(),
    });
  for (const command of commands) addCommand(command);

  try {
    program.parse([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError) || stopped === undefined) throw error;
    if (error.code === 'commander.helpDisplayed') return { kind: 'help', text: fullHelp(stopped) };
    const message = describe(error.code, stopped);
    if (message === undefined) throw error;
    throw new ParseError(message, leaves.has(stopped) ? shortHelp(stopped) : fullHelp(stopped));
  }
  if (invocation === undefined) throw new Error('commander ran no command');
  return invocation;

  function configure(parser: Parser): Parser {
    return parser
      .helpOption('-h, --help')
      .helpCommand(false)
      .exitOverride((error) => {
        stopped = parser;
        throw error;
      });
  }

  function addCommand(command: Command): void {
    const names = command.name.split(' ');
    const verb = names.pop() ?? '';
    const [noun] = names;
    const parent = noun === undefined ? program : findOrAddNoun(noun);
    const parser = configure(parent.command(verb))
      .description([`${sentence(command.summary)}`, command.details].filter((text) => text !== undefined).join('\n\n'))
      .allowExcessArguments();
    leaves.set(parser, command);
    for (const [label, { description, repeated }] of Object.entries(command.arguments))
      parser.argument(repeated ? `[${label}...]` : `[${label}]`, description);
    const given: GivenOptions = new Map();
    for (const [name, option] of Object.entries(command.options)) {
      // the value is optional for commander: so it takes no option that follows for the value
      const flags = option.value === undefined ? `--${name}` : `--${name} [${option.value}]`;
      parser.option(flags, option.required ? `${option.description} (required)` : option.description);
      parser.on(`option:${name}`, (value: string | null | undefined) => {
        given.set(name, [...(given.get(name) ?? []), value]);
      });
    }
    if (command.examples !== undefined)
      parser.addHelpText('after', `\nExamples:\n${command.examples.map((line) => `  yata ${line}`).join('\n')}`);
    parser.action(() => {
      const json = program.opts().json === true;
      try {
        if (json && command.longRunning) throw new UsageError(`\`${command.name}\` has no option --json`);
        invocation = {
          kind: 'run',
          command,
          input: readInput(command, parser.args, given),
          json,
          help: shortHelp(parser),
        };
      } catch (error) {
        throw error instanceof UsageError ? new ParseError(error.message, shortHelp(parser)) : error;
      }
    });
  }

  function findOrAddNoun(noun: string): Parser {
    const found = program.commands.find((parser) => parser.name() === noun);
    return found ?? configure(program.command(noun));
  }

  function usageLine(parser: Parser): string {
    const command = leaves.get(parser);
    if (command !== undefined) return `yata ${usage(command)}`;
    return parser === program ? 'yata COMMAND' : `yata ${parser.name()} COMMAND`;
  }

  function shortHelp(parser: Parser): string {
    const name = leaves.get(parser)?.name;
    return `Usage: ${usageLine(parser)}\nRun \`yata ${name} --help\` for its arguments and options.`;
  }

  function fullHelp(parser: Parser): string {
    output = '';
    parser.outputHelp();
    return output.trimEnd();
  }

  /** Describes an error of commander; undefined for one that cannot occur here. */
  function describe(code: string, parser: Parser): string | undefined {
    const name = leaves.get(parser)?.name ?? parser.name();
    switch (code) {
      case 'commander.unknownCommand':
        return parser === program ? 'There is no such command' : `\`${name}\` has no such command`;
      case 'commander.help':
        return parser === program ? 'A command is missing' : `\`${name}\` needs a command`;
      case 'commander.unknownOption': {
        // an option is only named when another command has it: anything else may be a secret that begins with a dash
        const known = new Set(commands.flatMap(({ options }) => Object.keys(options).map((option) => `--${option}`)));
        const own = new Set(Object.keys(leaves.get(parser)?.options ?? {}).map((option) => `--${option}`));
        const misplaced = words
          .map((word) => word.split('=')[0] ?? '')
          .find((word) => known.has(word) && !own.has(word));
        return misplaced === undefined ? `\`${name}\` got an unknown option` : `\`${name}\` has no option ${misplaced}`;
      }
      default:
        return undefined;
    }
  }
}

function readInput(command: Command, operands: readonly string[], given: GivenOptions): CommandInput {
  return { options: readOptions(command, given), arguments: readArguments(command, operands) };
}

function readOptions({ name: commandName, options }: Command, given: GivenOptions): CommandInput['options'] {
  const read: Record<string, string | readonly string[] | boolean | undefined> = {};
  for (const [name, option] of Object.entries(options)) {
    const values = given.get(name) ?? [];
    if (values.length > 1 && !option.repeated) throw new UsageError(`--${name} is given ${times(values.length)}`);
    if (option.value === undefined) {
      read[name] = values.length > 0;
      continue;
    }
    const texts = values.map((value) => requireText(`--${name}`, value ?? undefined));
    if (option.required && texts.length === 0)
      throw new UsageError(`\`${commandName}\` needs the option ${optionTerm(name, option)}`);
    read[name] = option.repeated && texts.length > 0 ? texts : texts[0];
  }
  return read;
}

function readArguments(command: Command, operands: readonly string[]): CommandInput['arguments'] {
  const expected = Object.entries(command.arguments);
  const repeated = expected.at(-1)?.[1].repeated ?? false;
  if (operands.length > expected.length && !repeated)
    throw new UsageError(`\`${command.name}\` takes ${countArguments(expected.length)}, got ${operands.length}`);
  const read: Record<string, string | readonly string[] | undefined> = {};
  for (const [index, [label, argument]] of expected.entries()) {
    const texts = operands
      .slice(index, argument.repeated ? undefined : index + 1)
      .map((operand) => requireText(label, operand));
    if (texts.length === 0 && !argument.optional)
      throw new UsageError(`\`${command.name}\` needs the argument ${argumentTerm(label, argument)}`);
    read[label] = argument.repeated ? texts : texts[0];
  }
  return read;
}

/** An empty text is what a shell makes of a variable that is not set. */
function requireText(name: string, value: string | undefined): string {
  if (value === undefined)
    throw new UsageError(`${name} needs a value. A value that begins with a dash is written ${name}=VALUE`);
  if (value === '') throw new UsageError(`${name} is empty. Is a shell variable not set?`);
  return value;
}

function countArguments(count: number): string {
  return { 0: 'no arguments', 1: '1 argument' }[count] ?? `${count} arguments`;
}

function times(count: number): string {
  return count === 2 ? 'twice' : `${count} times`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
