// Writes synthetic checkpoints with the shapes of real models, for benchmarks:
//   npx tsx tools/synth/make.ts --out DIR [--size 135m|1b] [--models 6] [--seed 1]
import { parseArgs } from 'node:util';
import type { LlamaSize } from './llama-shapes';
import { llamaShapes } from './llama-shapes';
import { writeModels } from './write-models';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    size: { type: 'string', default: '135m' },
    models: { type: 'string', default: '6' },
    seed: { type: 'string', default: '1' },
  },
});
const { out, size } = values;
const isSize = (text: string): text is LlamaSize => Object.hasOwn(llamaShapes, text);
if (out === undefined || !isSize(size)) {
  throw new Error('--out DIR is needed, and --size is 135m or 1b');
}
const startMs = performance.now();
await writeModels(out, size, Number(values.models), Number(values.seed));
const elapsedS = ((performance.now() - startMs) / 1000).toFixed(1);
console.log(
  `Wrote ${values.models} models with the shapes of ${size} into ${out} in ${elapsedS} s.`,
);
// Idle threads would keep the process alive.
process.exit(0);
