// Draws questions of one domain as JSON lines {prompt, answer}, for tools/real/fine_tune.py:
//   npx tsx tools/real/draw.ts --domain math --split train --count 800 --seed 1
import { parseArgs } from 'node:util';
import { Random } from '../../src/core/random';
import { kindsByDomain } from '../../src/eval/tasks/index';
import { domainIds, drawFromSplit, type Split } from '../../src/eval/tasks/task';

const { values } = parseArgs({
  options: {
    domain: { type: 'string' },
    split: { type: 'string', default: 'train' },
    count: { type: 'string', default: '800' },
    seed: { type: 'string', default: '1' },
  },
});

const domain = domainIds.find((id) => id === values.domain);
if (domain === undefined) throw new Error(`--domain must be one of ${domainIds.join(', ')}`);
const random = Random.named(Number(values.seed), `real/${domain}`);
const kinds = kindsByDomain[domain];
for (let index = 0; index < Number(values.count); index++) {
  const item = drawFromSplit(random.pick(kinds), values.split as Split, random);
  console.log(JSON.stringify({ prompt: item.prompt, answer: item.answer }));
  if (item.partner !== undefined) {
    console.log(JSON.stringify({ prompt: item.partner.prompt, answer: item.partner.answer }));
  }
}
