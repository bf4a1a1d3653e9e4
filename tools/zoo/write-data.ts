/**
 * Writes the zoo's training text and held-out items from the seed.
 *
 *   npx tsx tools/zoo/write-data.ts learning   OUT.jsonl COUNT
 *   npx tsx tools/zoo/write-data.ts refining   OUT.jsonl COUNT
 *   npx tsx tools/zoo/write-data.ts settling   OUT.jsonl COUNT [CORRECT_FRACTION]
 *   npx tsx tools/zoo/write-data.ts specialist OUT.jsonl COUNT DOMAIN REPLAY_FRACTION
 *   npx tsx tools/zoo/write-data.ts items      OUT_FOLDER test|validation
 *
 * A training line is {"s": source, "p": prefix, "c": completion, "w": 1 when all of it is learned}.
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { specialistDomains } from '../../src/eval/tasks/index';
import {
  createGuard,
  drawAllItems,
  learningRecords,
  refiningRecords,
  settlingRecords,
  specialistRecords,
} from '../../src/eval/tasks/mix-recipe';
import type { TrainingRecord } from '../../src/eval/tasks/mix-record';
import { domainIds } from '../../src/eval/tasks/task';

function writeRecords(path: string, records: Iterable<TrainingRecord>): void {
  const file = openSync(path, 'w');
  let lines: string[] = [];
  const flush = (): void => {
    writeSync(file, lines.join(''));
    lines = [];
  };
  for (const { source, prefix, completion, wholeLoss } of records) {
    const line = { s: source, p: prefix, c: completion, w: wholeLoss ? 1 : 0 };
    lines.push(`${JSON.stringify(line)}\n`);
    if (lines.length === 10_000) flush();
  }
  flush();
  closeSync(file);
}

function writeItems(folder: string, split: string): void {
  if (split !== 'test' && split !== 'validation') {
    throw new Error('The split is test or validation');
  }
  mkdirSync(folder, { recursive: true });
  const items = drawAllItems(split);
  for (const domain of domainIds) {
    const lines = items
      .filter((item) => item.domain === domain)
      .map((item) => JSON.stringify(item));
    writeFileSync(join(folder, `${domain}.jsonl`), `${lines.join('\n')}\n`);
  }
}

const [what, out = '', first = '', second = '', third = ''] = process.argv.slice(2);
if (what === 'items') writeItems(out, first);
else if (what === 'learning') writeRecords(out, learningRecords(Number(first), createGuard()));
else if (what === 'refining') writeRecords(out, refiningRecords(Number(first), createGuard()));
else if (what === 'settling') {
  const correct01 = second === '' ? undefined : Number(second);
  writeRecords(out, settlingRecords(Number(first), createGuard(), correct01));
} else if (what === 'specialist') {
  const domain = specialistDomains.find((name) => name === second);
  if (domain === undefined) throw new Error(`${second} has no specialist`);
  writeRecords(out, specialistRecords(domain, Number(first), Number(third), createGuard()));
} else throw new Error('Say learning, refining, settling, specialist or items');
