import { expect, test } from 'vitest';
import { stringFragments } from './string-fragments.ts';

test('string literals and the parts of template literals are found, and nothing in comments and regular expressions', () => {
  const source = [
    "const a = 'it\\'s'; // 'a comment'",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the source under test
    'const b = `one ${c ? `two ${d({ e: 1 })} three` : "four"} five`;',
    "/* 'another' */ const f = /[\"'`/]/.test(`six`) ? 'seven' : text.split(/'/);",
  ];
  expect(stringFragments(source.join('\n'))).toEqual([
    "it's",
    'one ',
    'two ',
    ' three',
    'four',
    ' five',
    'six',
    'seven',
  ]);
});
