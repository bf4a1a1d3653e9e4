import { Composer, LineCounter, Parser, type Document } from 'yaml';
import { checkDepth } from './yaml-depth';
import { ProblemList, type Span } from './problem';

/** A recipe is written by hand or by the page: a few kilobytes. */
const maxRecipeChars = 256 * 1024;
/** Stages of a merge; nobody writes more by hand. */
const maxDocumentCount = 64;

export type YamlDocument = Document.Parsed;

/** The documents of a text, and its problems so far. */
export interface YamlText {
  /** Those without a syntax error. */
  readonly documents: readonly YamlDocument[];
  readonly problems: ProblemList;
}

/**
 * Reads YAML 1.1, which mergekit's loader reads. Syntax errors are among the problems; a text that
 * is too long or too deep for any recipe has that one problem only.
 */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const problems = new ProblemList(lines);
  const whole = { from: 0, to: text.length };
  if (text.length > maxRecipeChars) {
    problems.error(
      'recipe/syntax',
      whole,
      `the text has ${text.length} characters, but a recipe has at most ${maxRecipeChars}. Shorten it.`,
    );
    return { documents: [], problems };
  }
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const tooDeep = checkDepth(tokens);
  if (tooDeep !== undefined) {
    const span = { from: tooDeep, to: tooDeep + 1 };
    problems.error('recipe/syntax', span, 'the values are nested too deeply here. Flatten them.');
    return { documents: [], problems };
  }
  const documents: YamlDocument[] = [];
  // Keys are compared where they are read, which is faster and says more.
  const composer = new Composer({ version: '1.1', uniqueKeys: false });
  for (const document of composer.compose(tokens, true, text.length)) {
    const span = { from: document.range[0], to: document.range[1] };
    if (documents.length === maxDocumentCount) {
      const sentence = `a recipe has at most ${maxDocumentCount} documents. Split the file.`;
      problems.error('recipe/syntax', span, sentence);
      break;
    }
    if (reportSyntax(document, problems)) continue;
    documents.push(document);
  }
  return { documents, problems };
}

/** @returns whether the document has a syntax error */
function reportSyntax(document: Document.Parsed, problems: ProblemList): boolean {
  // Warnings are tags that the loader does not know, which mergekit's refuses.
  const found = [...document.errors, ...document.warnings];
  for (const { pos, message } of found) {
    const span: Span = { from: pos[0], to: Math.max(pos[1], pos[0] + 1) };
    const sentence = message.split('\n')[0] ?? 'this is not YAML';
    problems.error(
      'recipe/syntax',
      span,
      // What the reader quotes of the text may end anywhere.
      `${sentence.slice(0, 300).replace(/\.$/, '')}. Correct the YAML there.`,
    );
  }
  return found.length > 0;
}
