/**
 * Scores replies with the project's own scorers; Python candidates run under CPython.
 *
 *   npx tsx tools/zoo/score.ts ITEMS_FOLDER REPLIES.json OUT.json
 *
 * REPLIES is {model: [{id, reply, partnerReply?}]}; OUT is
 * {model: {domain: {passed, count, kinds: {kind: {passed, count}}, passedIds}}}.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scoreReply } from '../../src/eval/scorers/score-reply';
import type { EvalItem, ItemPart } from '../../src/eval/tasks/mix-items';
import { domainIds } from '../../src/eval/tasks/task';

interface Reply {
  readonly id: string;
  readonly reply: string;
  readonly partnerReply?: string;
}

interface Count {
  passed: number;
  count: number;
}

interface Candidate {
  readonly source: string;
  readonly tests: readonly string[];
}

interface DomainScore extends Count {
  kinds: Record<string, Count>;
  passedIds: string[];
}

/** Verdicts of all Python candidates, each different one run once, in one process. */
function runCandidates(candidates: readonly Candidate[]): Map<string, boolean> {
  const script = join(import.meta.dirname, 'run_candidates.py');
  const different = new Map(candidates.map((candidate) => [JSON.stringify(candidate), candidate]));
  const input = JSON.stringify([...different.values()]);
  const run = spawnSync('python3', ['-I', script], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 300_000,
  });
  if (run.status !== 0) throw new Error(`run_candidates.py failed: ${run.stderr}`);
  const verdicts = JSON.parse(run.stdout) as boolean[];
  return new Map([...different.keys()].map((key, index) => [key, verdicts[index] === true]));
}

const [folder = '', repliesPath = '', outPath = ''] = process.argv.slice(2);
const items = new Map<string, EvalItem>();
for (const domain of domainIds) {
  for (const line of readFileSync(join(folder, `${domain}.jsonl`), 'utf8')
    .trim()
    .split('\n')) {
    const item = JSON.parse(line) as EvalItem;
    items.set(item.id, item);
  }
}
const replies = JSON.parse(readFileSync(repliesPath, 'utf8')) as Record<string, Reply[]>;

function itemOf(id: string): EvalItem {
  const item = items.get(id);
  if (item === undefined) throw new Error(`There is no item ${id}`);
  return item;
}

const candidates: Candidate[] = [];
for (const { id, reply } of Object.values(replies).flat()) {
  const { check } = itemOf(id);
  if (check.type === 'python') candidates.push({ source: reply, tests: check.tests });
}
const verdicts = runCandidates(candidates);

function passes({ check }: ItemPart, reply: string): boolean {
  if (check.type !== 'python') return scoreReply(check, reply).passed;
  return verdicts.get(JSON.stringify({ source: reply, tests: check.tests })) === true;
}

function scoreModel(lines: readonly Reply[]): Record<string, DomainScore> {
  const scores: Record<string, DomainScore> = {};
  for (const { id, reply, partnerReply = '' } of lines) {
    const item = itemOf(id);
    const passed =
      passes(item, reply) && (item.partner === undefined || passes(item.partner, partnerReply));
    const domain = (scores[item.domain] ??= { passed: 0, count: 0, kinds: {}, passedIds: [] });
    const kind = (domain.kinds[item.kind] ??= { passed: 0, count: 0 });
    for (const tally of [domain, kind]) {
      tally.count++;
      if (passed) tally.passed++;
    }
    if (passed) domain.passedIds.push(id);
  }
  return scores;
}

const result = Object.fromEntries(
  Object.entries(replies).map(([model, lines]) => [model, scoreModel(lines)]),
);
writeFileSync(outPath, JSON.stringify(result));
