import { scoredDomains } from '../../eval/metrics';
import type { CompareRow, RowMetrics } from './compare-rows';
import { durationText, percentOf, pointsText } from './format';
import { families } from './methods';
import type { TermId } from './glossary';

/** A row with what is computed from it. */
export interface MeasuredRow {
  readonly row: CompareRow;
  readonly metrics: RowMetrics;
}

/** One column of the comparison, as table and file show it. */
export interface CompareColumn {
  readonly id: string;
  readonly title: string;
  readonly term?: TermId;
  /** What rows are sorted by; undefined sorts last. */
  readonly valueOf: (measured: MeasuredRow) => number | string | undefined;
  readonly textOf: (measured: MeasuredRow) => string;
  /** Large values come first when the column is first sorted by. */
  readonly isBestLarge: boolean;
}

const familyIndex = ({ row }: MeasuredRow): number =>
  families.findIndex(({ id }) => id === row.method.family);

const shareText = (share: number | undefined): string =>
  share === undefined ? '–' : String(percentOf(share));

export const compareColumns: readonly CompareColumn[] = [
  {
    id: 'method',
    title: 'Method',
    valueOf: ({ row }) => row.method.title.toLowerCase(),
    textOf: ({ row }) => row.method.title,
    isBestLarge: false,
  },
  {
    id: 'group',
    title: 'Group',
    valueOf: familyIndex,
    textOf: (measured) => families[familyIndex(measured)]?.title ?? '',
    isBestLarge: false,
  },
  ...scoredDomains.map((domain): CompareColumn => ({
    id: domain,
    title: domain,
    valueOf: ({ row }) => row.scores[domain]?.score01,
    textOf: ({ row }) => shareText(row.scores[domain]?.score01),
    isBestLarge: true,
  })),
  {
    id: 'mean',
    title: 'mean',
    valueOf: ({ metrics }) => metrics.mean01,
    textOf: ({ metrics }) => shareText(metrics.mean01),
    isBestLarge: true,
  },
  {
    id: 'normalised',
    title: 'normalised mean',
    valueOf: ({ metrics }) => metrics.normalised,
    textOf: ({ metrics }) => shareText(metrics.normalised),
    isBestLarge: true,
  },
  {
    id: 'general',
    title: 'general',
    valueOf: ({ row }) => row.scores.general?.score01,
    textOf: ({ row }) => shareText(row.scores.general?.score01),
    isBestLarge: true,
  },
  {
    id: 'forgetting',
    title: 'forgetting',
    valueOf: ({ metrics }) => metrics.forgetting01,
    textOf: ({ metrics }) => pointsText(metrics.forgetting01).replace('+', ''),
    isBestLarge: false,
  },
  {
    id: 'time',
    title: 'merge time',
    valueOf: ({ row }) => row.mergeMs,
    textOf: ({ row }) => (row.mergeMs === undefined ? '–' : durationText(row.mergeMs)),
    isBestLarge: false,
  },
];

export interface Sorting {
  readonly column: string;
  readonly direction: 'ascending' | 'descending';
}

/** The next sorting after a press on a column's header. */
export function nextSorting({ id, isBestLarge }: CompareColumn, before: Sorting): Sorting {
  if (before.column === id) {
    const direction = before.direction === 'ascending' ? 'descending' : 'ascending';
    return { column: id, direction };
  }
  return { column: id, direction: isBestLarge ? 'descending' : 'ascending' };
}

/** Rows in order; what has no value comes last either way, equal rows stay as they were. */
export function sortedRows(
  rows: readonly MeasuredRow[],
  { column: id, direction }: Sorting,
): readonly MeasuredRow[] {
  const column = compareColumns.find((candidate) => candidate.id === id);
  if (column === undefined) return rows;
  const sign = direction === 'ascending' ? 1 : -1;
  return rows.toSorted((left, right) => {
    const [a, b] = [column.valueOf(left), column.valueOf(right)];
    if (a === undefined || b === undefined) {
      return Number(a === undefined) - Number(b === undefined);
    }
    return a === b ? 0 : (a < b ? -1 : 1) * sign;
  });
}
