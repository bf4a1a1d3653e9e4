import temml from 'temml';

/**
 * A formula as MathML, one element a line: it is broken where `\quad` parts its equations, since
 * browsers break no line inside one. Styles are left to the page's own sheet, whose security policy
 * allows no style attributes.
 * @throws ParseError of temml for TeX that it cannot read
 */
export function mathLinesOf(tex: string): string[] {
  return equationsOf(tex).map((line) =>
    temml
      .renderToString(line, { displayMode: true, throwOnError: true })
      .replaceAll(/ style="[^"]*"/gu, '')
      .replaceAll(/ class="tml-display"/gu, ''),
  );
}

/** The parts between `\quad`s that stand outside all braces and environments, without their commas. */
export function equationsOf(tex: string): string[] {
  const equations: string[] = [];
  let depth = 0;
  let line = '';
  for (const [token] of tex.matchAll(/\\begin\b|\\end\b|\\left\b|\\right\b|\\q?quad\b|\\.|[^]/gu)) {
    if (token === '{' || token === '\\begin' || token === '\\left') depth += 1;
    if (token === '}' || token === '\\end' || token === '\\right') depth -= 1;
    if (depth > 0 || !/^\\q?quad$/u.test(token)) {
      line += token;
      continue;
    }
    equations.push(line);
    line = '';
  }
  return [...equations, line].map((part) => part.trim().replace(/,$/u, '')).filter(Boolean);
}
