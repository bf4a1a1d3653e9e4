import type { ItemResult } from './item-result';
import { domainScores, type DomainScore } from './score-keeper';
import { wilsonInterval } from './statistics';

/** Everything a score depends on, beside the items themselves. */
export interface RunFacts {
  /** Hash of the recipe, or of the model's weights for a base or specialist. */
  readonly modelHash: string;
  /** Name for people: `base`, `merge`, or a specialist's id. */
  readonly modelName: string;
  readonly itemSetHash: string;
  readonly seed: number;
  /** Such as "wasm, 2 threads". */
  readonly device: string;
  readonly dtype: 'fp32' | 'fp16' | 'q8' | 'q4';
  readonly maxNewTokens: number;
  /** Versions of what took part, such as `{ mergelab: '0.1.0', python: '3.14.2' }`. */
  readonly versions: Readonly<Record<string, string>>;
  readonly startedAt: string;
  readonly elapsedMs: number;
}

/** Passes by kind, so that a weak stratum can be seen. */
export interface KindScore {
  readonly kind: string;
  readonly tail: boolean;
  readonly passedCount: number;
  readonly itemCount: number;
  readonly score01: number;
  readonly low01: number;
  readonly high01: number;
}

/** The record of one evaluation; plain JSON. */
export interface EvaluationReport extends RunFacts {
  readonly format: 'mergelab-evaluation/1';
  readonly scores: readonly DomainScore[];
  readonly kinds: readonly KindScore[];
  readonly items: readonly ItemResult[];
}

/** Builds the report of a run; items come sorted by id, so that equal runs give equal files. */
export function makeReport(facts: RunFacts, results: readonly ItemResult[]): EvaluationReport {
  const items = [...results].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    format: 'mergelab-evaluation/1',
    ...facts,
    scores: domainScores(items),
    kinds: kindScores(items),
    items,
  };
}

/**
 * The key under which scores of a model are stored: equal keys, equal scores. Device and time do not
 * belong to it; results of other devices may differ in rare ties.
 */
export function scoreKey(
  facts: Pick<RunFacts, 'modelHash' | 'itemSetHash' | 'dtype' | 'maxNewTokens'>,
): string {
  return [facts.modelHash, facts.itemSetHash, facts.dtype, String(facts.maxNewTokens)].join('/');
}

const csvColumns = [
  'id',
  'domain',
  'kind',
  'tail',
  'passed',
  'prompt',
  'reply',
  'expected',
  'reason',
  'partner_prompt',
  'partner_reply',
] as const;

/**
 * Item results as CSV (RFC 4180: CRLF, quotes doubled), one row an item, run facts left out. A cell
 * that a spreadsheet would take for a formula gets a leading apostrophe: replies are not trusted.
 */
export function reportCsv(report: EvaluationReport): string {
  const rows = report.items.map((item) => [
    item.id,
    item.domain,
    item.kind,
    String(item.tail),
    String(item.passed),
    item.prompt,
    item.reply,
    item.expected,
    item.reason,
    item.partner?.prompt ?? '',
    item.partner?.reply ?? '',
  ]);
  return [csvColumns, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}

function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/u.test(text) ? `'${text}` : text;
  return /[",\r\n]/u.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function kindScores(items: readonly ItemResult[]): KindScore[] {
  const byKind = new Map<string, ItemResult[]>();
  for (const item of items) {
    const ofKind = byKind.get(item.kind) ?? [];
    ofKind.push(item);
    byKind.set(item.kind, ofKind);
  }
  return [...byKind].map(([kind, ofKind]) => {
    const passedCount = ofKind.filter((item) => item.passed).length;
    const { value01, low01, high01 } = wilsonInterval(passedCount, ofKind.length);
    const tail = ofKind.some((item) => item.tail);
    return { kind, tail, passedCount, itemCount: ofKind.length, score01: value01, low01, high01 };
  });
}
