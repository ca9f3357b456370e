import { parseDay } from '../../local-time.ts';

export type TodotxtKeys = {
  /** Without the keys that are known. */
  readonly text: string;
  readonly due: string | undefined;
  /** The priority that a completed todo had. */
  readonly letter: string | undefined;
  readonly notKept: readonly string[];
};

const KEY = /(?<!\S)(due|pri|t|rec|h):(\S+)(?!\S)/g;

/** Takes the known `key:value` words out of a text. Other ones stay: they may be a URL or `10:30`. */
export function takeTodotxtKeys(text: string, { completed }: { completed: boolean }): TodotxtKeys {
  const notKept: string[] = [];
  const kept: string[] = [];
  let due: string | undefined;
  let letter: string | undefined;
  let end = 0;

  for (const match of text.matchAll(KEY)) {
    const [word, key = '', value = ''] = match;
    if (!take(key, value)) continue;
    kept.push(text.slice(end, match.index).trim());
    end = match.index + word.length;
  }
  kept.push(text.slice(end).trim());
  return { text: kept.filter((part) => part !== '').join(' '), due, letter, notKept };

  function take(key: string, value: string): boolean {
    switch (key) {
      case 'due':
        return takeDue(parseDay(value));
      case 'pri':
        if (!completed || !/^[A-Z]$/.test(value)) return false;
        letter ??= value;
        return true;
      case 't':
        return lose('threshold date', parseDay(value) !== undefined || /^[+-]?\d{1,4}[dwmyb]$/.test(value));
      case 'rec':
        return lose('recurrence', /^\+?\d{1,4}[dwmyb]$/.test(value) || /^[a-z]+$/.test(value));
      default:
        return lose('hidden flag', value === '1');
    }
  }

  function takeDue(day: string | undefined): boolean {
    if (day === undefined) return false;
    if (due !== undefined) notKept.push('further due date');
    due ??= day;
    return true;
  }

  function lose(what: string, isKnown: boolean): boolean {
    if (isKnown) notKept.push(what);
    return isKnown;
  }
}
