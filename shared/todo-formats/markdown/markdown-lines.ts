export type MarkdownLine = {
  /** How many `>` stand before it. */
  readonly depth: number;
  /** The columns of white space before the content, behind the last `>`. */
  readonly indent: number;
  readonly content: string;
};

const TAB_COLUMNS = 4;
const QUOTE = /^[ \t]*>/;
const FENCE = /^(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}|~{3,})(.*)$/su;

type Fence = { readonly mark: string; readonly depth: number };

/** The lines of a Markdown file, without its front matter and its code blocks. Indentation never makes a code block. */
export function* readVisibleLines(text: string): Generator<MarkdownLine> {
  const lines = text.split(/\r\n?|\n/);
  let fence: Fence | undefined;
  for (const source of lines.slice(countFrontMatter(lines))) {
    const line = readLine(source);
    // a code block in a quote ends with the quote
    if (fence !== undefined && line.depth < fence.depth) fence = undefined;
    if (fence === undefined) {
      fence = findFence(line);
      if (fence === undefined) yield line;
    } else if (isFenceEnd(line.content, fence)) fence = undefined;
  }
}

function readLine(source: string): MarkdownLine {
  let depth = 0;
  let rest = source;
  for (let mark = QUOTE.exec(rest); mark !== null; mark = QUOTE.exec(rest)) {
    depth += 1;
    rest = rest.slice(mark[0].length);
  }
  const inner = depth > 0 && rest.startsWith(' ') ? rest.slice(1) : rest;
  const content = inner.trim();
  let indent = 0;
  for (const character of inner.slice(0, inner.length - inner.trimStart().length)) {
    indent += character === '\t' ? TAB_COLUMNS - (indent % TAB_COLUMNS) : 1;
  }
  return { depth, indent, content };
}

function findFence({ depth, content }: MarkdownLine): Fence | undefined {
  const [, mark, info = ''] = FENCE.exec(content) ?? [];
  // ``` with a further backtick on its line is code within a sentence
  return mark === undefined || (mark.startsWith('`') && info.includes('`')) ? undefined : { mark, depth };
}

function isFenceEnd(content: string, { mark }: Fence): boolean {
  return content.length >= mark.length && content === mark.charAt(0).repeat(content.length);
}

/** Front matter is YAML between two lines `---` at the start of the file. */
function countFrontMatter(lines: readonly string[]): number {
  if (lines[0]?.trimEnd() !== '---') return 0;
  return lines.findIndex((line, index) => index > 0 && /^(?:---|\.\.\.)\s*$/.test(line)) + 1;
}
