// Writes synthetic checkpoints with the shapes of real models, for benchmarks and tests of size:
//   npx tsx tools/synth/make.ts --out DIR [--size 135m|1b|gemma-2b|3b] [--models 6] [--seed 1] [--filled 1]
// With --filled 0.05 one page in twenty holds weights and the rest are holes in the files.
import { parseArgs } from 'node:util';
import { modelSizes } from './model-shapes';
import { writeModels } from './write-models';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    size: { type: 'string', default: '135m' },
    models: { type: 'string', default: '6' },
    seed: { type: 'string', default: '1' },
    filled: { type: 'string', default: '1' },
  },
});
const { out } = values;
const size = modelSizes.find((name) => name === values.size);
if (out === undefined || size === undefined) {
  throw new Error(`--out DIR is needed, and --size is one of ${modelSizes.join(', ')}`);
}
const startMs = performance.now();
await writeModels(out, {
  size,
  modelCount: Number(values.models),
  seed: Number(values.seed),
  filled01: Number(values.filled),
});
const elapsedS = ((performance.now() - startMs) / 1000).toFixed(1);
console.log(
  `Wrote ${values.models} models with the shapes of ${size} into ${out} in ${elapsedS} s.`,
);
// Idle threads would keep the process alive.
process.exit(0);
