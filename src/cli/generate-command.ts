import { GivenOptions, type Command } from './command';
import { loadFolder, runnableDtypes } from './open-model';
import { progressLine } from './progress-line';

const usage =
  'mergelab generate MODEL_DIR --prompt TEXT [--max-new-tokens N] [--temperature T] [--seed N] [--dtype fp32|fp16|q8|q4] [--json]';

/** Writes one reply to a prompt, as it comes. */
export const generateCommand: Command = {
  name: 'generate',
  usage,
  summary: 'complete a prompt with a local model',
  async run(parameters, signal) {
    const options = new GivenOptions(
      parameters,
      {
        prompt: { type: 'string' },
        'max-new-tokens': { type: 'string' },
        temperature: { type: 'string' },
        seed: { type: 'string' },
        dtype: { type: 'string' },
        json: { type: 'boolean' },
      },
      usage,
    );
    const folder = options.single('MODEL_DIR');
    const prompt = options.required('prompt');
    const temperature = Number(options.text('temperature') ?? '0');
    if (!(temperature >= 0 && temperature <= 10)) {
      throw options.error('--temperature must be a number from 0 to 10.');
    }
    const progress = progressLine();
    const dtype = options.choice('dtype', runnableDtypes);
    const model = await loadFolder(folder, dtype, { signal, onProgress: progress.show }).finally(
      progress.clear,
    );
    const asJson = options.flag('json');
    const completion = await model.generateStream(prompt, {
      maxNewTokens: options.integer('max-new-tokens', 1) ?? 64,
      temperature,
      seed: options.integer('seed', 0) ?? 0,
      signal,
      onText: asJson ? undefined : (piece) => process.stdout.write(piece),
    });
    console.log(asJson ? JSON.stringify({ prompt, ...completion }) : '');
    await model.dispose();
  },
};
