import { describe, expect, it } from 'vitest';
import { LoadedModel } from '../../../src/model/loaded-model';
import {
  checkFits,
  encodingFor,
  fitsWebAssembly,
  weightBytes,
} from '../../../src/model/session-memory';
import { describeGraph } from '../../../src/model/describe-export';
import { configOf, modelShapes } from '../../../tools/synth/model-shapes';
import { runtime } from './open-session';
import { readerOf, tensorShapes, tinyConfig, tinyWeights } from './tiny-model';
import { tinyTexts } from './tiny-texts';

/** Of the published models. */
const parameterCounts = {
  '135m': 134_515_008,
  '1b': 1_235_814_400,
  'gemma-2b': 2_614_341_888,
  '3b': 3_212_749_824,
} as const;

describe('the memory of a session', () => {
  it.each([
    ['135m', 'fp32'],
    ['1b', 'q8'],
    ['gemma-2b', 'q4'],
    ['3b', 'q4'],
  ] as const)('has room for %s in %s', (size, encoding) => {
    const parameterCount = parameterCounts[size];
    expect(encodingFor(parameterCount)).toBe(encoding);
    expect(fitsWebAssembly(weightBytes(parameterCount, encoding))).toBe(true);
  });

  it.each(['1b', 'gemma-2b', '3b'] as const)('knows what the weights of %s take', (size) => {
    for (const encoding of ['fp32', 'fp16', 'q8', 'q4'] as const) {
      const config = JSON.stringify(configOf(modelShapes[size]));
      const { plan } = describeGraph(config, size, encoding);
      const planned = plan.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const guessed = weightBytes(parameterCounts[size], encoding);
      expect(guessed / planned).toBeGreaterThan(0.9);
      expect(guessed / planned).toBeLessThan(1.1);
    }
  });

  it('refuses what cannot fit, with what to do', () => {
    expect(() => {
      checkFits('gemma', weightBytes(parameterCounts['gemma-2b'], 'fp16'), 'fp16');
    }).toThrow(
      /"gemma" needs 6\.0 GB of memory to run in fp16, and WebAssembly has 4\.3; run it in 4 bits/,
    );
    expect(() => {
      checkFits('giant', 5e9, 'q4');
    }).toThrow(/choose a smaller model\.$/);
  });

  it('is checked before a weight is read', async () => {
    const config = { ...tinyConfig, num_hidden_layers: 2, intermediate_size: 2 ** 24 };
    const reader = readerOf('wide', tinyWeights(tinyConfig, 1), tensorShapes(tinyConfig));
    await expect(
      LoadedModel.load({
        runtime,
        files: tinyTexts(config),
        reader,
        dtype: 'fp32',
        provider: 'wasm',
      }),
    ).rejects.toMatchObject({ code: 'model/too-large' });
  });
});
