const MIN_LENGTH = 12;
const MAX_LENGTH = 256;

/** What a password must be, in the words of a page. */
export const PASSWORD_RULE = `At least ${MIN_LENGTH} characters. A few words that do not belong together are easy to remember.`;

/** Returns why a person cannot have this password. There are no rules about kinds of characters (NIST SP 800-63B §3.1.1.2). */
export function findPasswordProblem(password: string, username: string): string | undefined {
  const { length } = [...password];
  if (length < MIN_LENGTH) return `The password has ${length} characters: choose one of at least ${MIN_LENGTH}.`;
  if (length > MAX_LENGTH) return `The password has ${length} characters: choose one of at most ${MAX_LENGTH}.`;
  if (new Set(password.toLowerCase()).size < 4) return 'The password repeats very few characters: choose another one.';
  if (username.length > 3 && password.toLowerCase() === username.toLowerCase())
    return 'The password is the user name: choose another one.';
  return undefined;
}
