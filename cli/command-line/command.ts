import type { Environment } from '../../shared/configuration/environment.ts';
import type { AdminConnection } from '../connect-admin.ts';

/** A command of the command line. Parsing, `--help` and docs/command-line.md are generated from it. */
export type Command = {
  /** The command, or the noun and the verb: `start`, `clients list`. */
  readonly name: string;
  /** One sentence for the list of commands. */
  readonly summary: string;
  /** A paragraph for the help of the command alone. */
  readonly details?: string;
  /** The arguments in order, by the names that the help shows: `ID`. */
  readonly arguments: Arguments;
  /** The options by their long names, without the dashes. */
  readonly options: Options;
  /** Command lines for the help, without `yata`. */
  readonly examples?: readonly string[];
  /** Whether the command runs until a signal ends it. It prints no result and has no `--json`. */
  readonly longRunning?: true;
  /** Runs the command. @returns its result; undefined when it has none. @throws {UsageError} */
  run(input: CommandInput, context: CommandContext): Promise<CommandResult | undefined>;
};

/** An argument; it is required unless it says otherwise. Only the last argument may be repeated. */
export type Argument = { readonly description: string; readonly optional?: true; readonly repeated?: true };
type Arguments = Readonly<Record<string, Argument>>;

/** An option. Without `value`, the name that the help shows for its value, it is a switch. */
export type Option = {
  readonly description: string;
  readonly value?: string;
  readonly required?: true;
  readonly repeated?: true;
};
type Options = Readonly<Record<string, Option>>;

/** The arguments and options of one run, as the definition of the command promises them. */
export type CommandInput = {
  readonly arguments: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly options: Readonly<Record<string, string | readonly string[] | boolean | undefined>>;
};

/** What a command gets from the process. */
export type CommandContext = {
  readonly environment: Environment;
  /** Writes a line to stdout. */
  readonly write: (text: string) => void;
  readonly readStdin: () => string;
  /** Reads stdin to its end. @returns more than `maxBytes` bytes if it has more; the rest is not read. */
  readonly readStdinBytes: (maxBytes: number) => Uint8Array;
  /**
   * Writes to stdout what another program reads, as it is, and waits until it is written. Only for a terminal, it is made safe.
   * @returns false when the reader has ended, or no more can be written.
   */
  readonly writeData: (text: string) => Promise<boolean>;
  /** Writes a line to stderr. */
  readonly notify: (text: string) => void;
  /** Shows a text in place of the last one on stderr; absent when no person looks at it. */
  readonly showProgress?: ((text: string) => void) | undefined;
  /** Connects to the admin API of auth. @throws when there are no administrator credentials. */
  readonly connectAdmin: () => Promise<AdminConnection>;
};

/**
 * The result of a command: a JSON value for programs, a text for people, and the exit code (0 unless it says 1). It goes to
 * stderr when stdout has the data of the command.
 */
export type CommandResult = {
  readonly json: unknown;
  readonly text: string;
  readonly exitCode?: 0 | 1;
  readonly output?: 'stderr';
};

type ArgumentValues<A extends Arguments> = {
  readonly [Name in keyof A]: A[Name] extends { repeated: true }
    ? readonly string[]
    : A[Name] extends { optional: true }
      ? string | undefined
      : string;
};

type OptionValues<O extends Options> = {
  readonly [Name in keyof O]: O[Name] extends { value: string }
    ? O[Name] extends { repeated: true }
      ? readonly string[] | undefined
      : O[Name] extends { required: true }
        ? string
        : string | undefined
    : boolean;
};

/** Defines a command whose `run` is typed by its arguments and options. */
export function defineCommand<const A extends Arguments, const O extends Options>(
  command: Omit<Command, 'arguments' | 'options' | 'run'> & {
    readonly arguments: A;
    readonly options: O;
    run(
      input: { readonly arguments: ArgumentValues<A>; readonly options: OptionValues<O> },
      context: CommandContext,
    ): Promise<CommandResult | undefined>;
  },
): Command {
  return command;
}

/** The command line is wrong: exit code 2. The message repeats no word of it, because a misplaced word may be a secret. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
