import { writeFolder } from '../engine/node-sink';
import { streamCheckpoint } from '../formats/tensor-stream';
import { describeExport } from '../model/describe-export';
import { readModelTexts } from '../model/read-texts';
import { openModel } from '../sources/open-model';
import { GivenOptions, type Command } from './command';
import { withFolder } from './open-model';
import { progressLine } from './progress-line';

const usage = 'mergelab export MODEL_DIR --out DIR --dtype fp32|fp16|q8|q4 [--json]';

/** Writes a model folder as ONNX that transformers.js loads as it is. */
export const exportCommand: Command = {
  name: 'export',
  usage,
  summary: 'write a model as ONNX for transformers.js',
  async run(parameters, signal) {
    const options = new GivenOptions(
      parameters,
      { out: { type: 'string' }, dtype: { type: 'string' }, json: { type: 'boolean' } },
      usage,
    );
    const folder = options.single('MODEL_DIR');
    const out = options.required('out');
    options.required('dtype');
    const dtype = options.choice('dtype', ['fp32', 'fp16', 'q8', 'q4']) ?? 'fp32';
    const progress = progressLine();
    const startMs = performance.now();
    try {
      const files = await withFolder(folder, async (source) => {
        const opened = await openModel(source, signal);
        const checkpoint = streamCheckpoint(opened.checkpoint);
        const texts = await readModelTexts(opened.files, signal);
        const described = describeExport(checkpoint, texts, dtype, {
          onProgress: progress.show,
          signal,
        });
        await writeFolder(described, out, signal);
        return described.map(({ path, sizeBytes }) => ({ path, sizeBytes }));
      });
      progress.clear();
      const elapsedMs = Math.round(performance.now() - startMs);
      if (options.flag('json')) console.log(JSON.stringify({ out, dtype, elapsedMs, files }));
      else console.log(`Exported into ${out} in ${(elapsedMs / 1000).toFixed(2)} s.`);
    } finally {
      progress.clear();
    }
  },
};
