import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LoadedModel } from '../../../src/model/loaded-model';
import type { ModelTexts } from '../../../src/model/model-texts';
import { runtime } from './open-session';
import { readerOf, tensorShapes, tinyConfig, tinyWeights } from './tiny-model';
import { tinyTexts } from './tiny-texts';

const shapes = tensorShapes(tinyConfig);

function reader(seed: number): ReturnType<typeof readerOf> {
  return readerOf(`tiny ${String(seed)}`, tinyWeights(tinyConfig, seed), shapes);
}

async function load(files: ModelTexts, seed = 1): Promise<LoadedModel> {
  return LoadedModel.load({
    runtime,
    files,
    reader: reader(seed),
    dtype: 'fp32',
    provider: 'wasm',
  });
}

let model: LoadedModel;
beforeAll(async () => {
  model = await load(tinyTexts(tinyConfig));
}, 60_000);
afterAll(async () => {
  await model.dispose();
});

describe('LoadedModel', () => {
  it('fills the chat template and reads text back', () => {
    const tokens = model.tokenizer.encodePrompt('Hi there');
    const text = 'Q: Hi there\nA:';
    expect(tokens).toEqual([1, ...Array.from(text, (letter) => letter.charCodeAt(0) + 3)]);
    expect(model.tokenizer.decode(tokens)).toBe(text);
    expect(model.tokenizer.decode([])).toBe('');
  });

  it('streams by transformers.js the text that the batch writes', async () => {
    const [batch] = await model.generateBatch(['Say it'], { maxNewTokens: 30 });
    const pieces: string[] = [];
    const streamed = await model.generateStream('Say it', {
      maxNewTokens: 30,
      onText: (piece) => pieces.push(piece),
    });
    expect(streamed.text).toBe(batch?.text);
    expect(pieces.join('')).toBe(batch?.text);
    expect(streamed.tokenCount).toBe(30);
  });

  it('draws the same text for the same seed, also while another text is being drawn', async () => {
    const draw = async (seed: number): Promise<string> => {
      const options = { maxNewTokens: 20, temperature: 1.5, topP: 0.95, seed };
      return (await model.generateStream('Draw', options)).text;
    };
    const alone = [await draw(1), await draw(2)];
    const together = await Promise.all([draw(1), draw(2), draw(1)]);
    expect(together).toEqual([alone[0], alone[1], alone[0]]);
    expect(alone[0]).not.toBe(alone[1]);
  });

  it('stops a stream when aborted, with what was written handed out', async () => {
    const controller = new AbortController();
    const pieces: string[] = [];
    const stopped = model.generateStream('Go on', {
      maxNewTokens: 40,
      temperature: 1,
      seed: 3,
      signal: controller.signal,
      onText: (piece) => {
        pieces.push(piece);
        controller.abort();
      },
    });
    await expect(stopped).rejects.toHaveProperty('name', 'AbortError');
    expect(pieces).toHaveLength(1);
  });

  it('puts other weights in place and lets replies in progress finish on the old ones', async () => {
    const live = await load(tinyTexts(tinyConfig));
    const tokens = model.tokenizer.encodePrompt('weights');
    const prompts = Array.from({ length: 20 }, (_, index) => `prompt ${String(index)}`);
    const before = await live.generateBatch(prompts, { maxNewTokens: 20 });
    const running = live.generateBatch(prompts, { maxNewTokens: 20 });
    const facts = await live.replaceWeights(reader(2));
    expect(facts.weightBytes).toBeGreaterThan(100_000);
    expect(await running).toEqual(before);
    const fresh = await load(tinyTexts(tinyConfig), 2);
    expect(await live.logits(tokens)).toEqual(await fresh.logits(tokens));
    await live.replaceWeights(reader(1));
    expect(await live.logits(tokens)).toEqual(await model.logits(tokens));
    await live.dispose();
    await fresh.dispose();
  });

  it('keeps the old weights when new ones are aborted', async () => {
    const tokens = model.tokenizer.encodePrompt('still');
    const before = await model.logits(tokens);
    const controller = new AbortController();
    controller.abort();
    await expect(
      model.replaceWeights(reader(2), { signal: controller.signal }),
    ).rejects.toHaveProperty('name', 'AbortError');
    expect(await model.logits(tokens)).toEqual(before);
  });

  it('ends replies at the tokens of generation_config.json, else of config.json', async () => {
    const [free] = await model.generateBatch(['end'], { maxNewTokens: 10 });
    const stop = model.tokenizer.encode(free?.text ?? '', false)[3] ?? 0;
    const texts = tinyTexts({ ...tinyConfig, eos_token_id: stop });
    const overruled = await load(texts);
    const obeyed = await load(new Map([...texts].filter(([name]) => !name.startsWith('gen'))));
    expect(await overruled.generateBatch(['end'], { maxNewTokens: 10 })).toEqual([free]);
    const [ended] = await obeyed.generateBatch(['end'], { maxNewTokens: 10 });
    expect(ended?.stoppedBy).toBe('end');
    expect(ended?.tokenCount).toBeLessThan(4);
    await overruled.dispose();
    await obeyed.dispose();
  });

  it('says which file is missing or damaged', async () => {
    const texts = tinyTexts(tinyConfig);
    const without = new Map([...texts].filter(([name]) => name !== 'tokenizer.json'));
    await expect(load(without)).rejects.toMatchObject({ code: 'source/missing-file' });
    const damaged = new Map(texts).set('tokenizer.json', '{"model"');
    await expect(load(damaged)).rejects.toMatchObject({ code: 'format/bad-tokenizer' });
    const template = new Map(texts).set('chat_template.jinja', '{% for %}');
    const odd = await load(template);
    await expect(odd.generateBatch(['x'], { maxNewTokens: 1 })).rejects.toMatchObject({
      code: 'format/bad-tokenizer',
    });
    await odd.dispose();
  });
});
