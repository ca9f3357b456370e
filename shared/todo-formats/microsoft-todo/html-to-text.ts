import { decodeEntities } from './html-entities.ts';

const LINE_BREAK = 'br';
/** Elements that begin and end on a line of their own. */
const BLOCKS: ReadonlySet<string> = new Set(
  'address article blockquote dd div dl dt footer form h1 h2 h3 h4 h5 h6 header hr li main ol p pre section table tr ul'.split(
    ' ',
  ),
);
/** Elements whose content is not shown. */
const HIDDEN: ReadonlySet<string> = new Set(['head', 'script', 'style', 'title']);

/** The text of an HTML document: one line for each block, and `- ` before each item of a list. */
export function htmlToText(html: string): string {
  const lines: string[] = [];
  let line: string[] = [];
  let isBlank = true;
  let endsInSpace = true;
  let position = 0;

  while (position < html.length) {
    const open = html.indexOf('<', position);
    addText(html.slice(position, open === -1 ? html.length : open));
    if (open === -1) break;
    position = readTag(open);
  }
  endLine();
  return lines.join('\n').trim();

  /** Returns the position after the tag, and after its content if that is hidden. */
  function readTag(open: number): number {
    if (html.startsWith('<!--', open)) return findEnd('-->', open);
    const [, slash, written = ''] = /^<(\/?)([a-z][a-z0-9]{0,20})/i.exec(html.slice(open, open + 30)) ?? [];
    const name = written.toLowerCase();
    if (name === '' && html[open + 1] !== '!') {
      addText('<');
      return open + 1;
    }
    const end = findEnd('>', open);
    if (slash === '' && HIDDEN.has(name)) return findClosing(name, end);
    if (name === LINE_BREAK) endLine();
    else if (BLOCKS.has(name) && !isBlank) endLine();
    else if (name === 'td' || name === 'th') addText(' ');
    if (slash === '' && name === 'li') line = ['- '];
    return end;
  }

  function findClosing(name: string, start: number): number {
    const closing = new RegExp(`</${name}[^>]{0,100}>`, 'gi');
    closing.lastIndex = start;
    return closing.exec(html) ? closing.lastIndex : html.length;
  }

  function findEnd(mark: string, start: number): number {
    const found = html.indexOf(mark, start);
    return found === -1 ? html.length : found + mark.length;
  }

  function addText(source: string): void {
    const spaced = source.replaceAll(/[ \t\r\n\f]+/g, ' ');
    const text = endsInSpace ? spaced.replace(/^ /, '') : spaced;
    if (text === '') return;
    // a no-break space is kept where others are not
    line.push(decodeEntities(text).replaceAll('\u00a0', ' '));
    isBlank &&= text === ' ';
    endsInSpace = text.endsWith(' ');
  }

  function endLine(): void {
    lines.push(line.join('').trimEnd());
    line = [];
    isBlank = true;
    endsInSpace = true;
  }
}
