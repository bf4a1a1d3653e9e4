import { GivenOptions, type Command } from './command';
import { loadFolder, runnableDtypes } from './open-model';

const usage = 'mergelab logits MODEL_DIR --tokens 1,2,3 [--dtype fp32|fp16|q8|q4] [--json]';

/** Prints the logits after every given token, for comparison with other runtimes. */
export const logitsCommand: Command = {
  name: 'logits',
  usage,
  summary: 'print the logits of a token sequence',
  async run(parameters) {
    const options = new GivenOptions(
      parameters,
      {
        tokens: { type: 'string' },
        dtype: { type: 'string' },
        json: { type: 'boolean' },
      },
      usage,
    );
    const folder = options.single('MODEL_DIR');
    const tokens = options.required('tokens').split(',').map(Number);
    if (tokens.some((token) => !Number.isSafeInteger(token) || token < 0)) {
      throw options.error('--tokens must be token ids separated by commas, such as 1,2,3.');
    }
    const model = await loadFolder(folder, options.choice('dtype', runnableDtypes));
    const vocabSize = model.config.vocabularySize;
    const tooLarge = tokens.find((token) => token >= vocabSize);
    if (tooLarge !== undefined) {
      throw options.error(`Token ${tooLarge} is outside the vocabulary of ${vocabSize}.`);
    }
    const flat = await model.logits(tokens);
    const rows = tokens.map((_, row) => [...flat.subarray(row * vocabSize, (row + 1) * vocabSize)]);
    if (options.flag('json')) {
      console.log(JSON.stringify({ tokens, vocabSize, logits: rows }));
    } else {
      for (const [index, row] of rows.entries()) {
        const best = row.indexOf(Math.max(...row));
        console.log(
          `token ${String(tokens[index])}: next ${best} (logit ${row[best]?.toFixed(4)})`,
        );
      }
    }
    await model.dispose();
  },
};
