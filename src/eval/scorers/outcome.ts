/** Whether a reply counts as right, and why, in one plain sentence that the page shows as it is. */
export interface ScoreOutcome {
  readonly passed: boolean;
  readonly reason: string;
}

export function passed(reason: string): ScoreOutcome {
  return { passed: true, reason };
}

export function failed(reason: string): ScoreOutcome {
  return { passed: false, reason };
}

/** Longest excerpt of a reply inside a reason, in UTF-16 units. */
const excerptLength = 60;

/** The start of `text` in quotation marks on one line, shortened with an ellipsis. */
export function quoted(text: string): string {
  // Cut first: a reply may be a megabyte long, and only its start is shown.
  const start = text
    .slice(0, excerptLength * 4)
    .replaceAll(/\s+/gu, ' ')
    .trim();
  const isCut = text.length > excerptLength * 4 || start.length > excerptLength;
  return `"${start.slice(0, excerptLength)}${isCut ? '…' : ''}"`;
}
