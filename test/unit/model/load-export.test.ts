import { describe, expect, it } from 'vitest';
import { streamCheckpoint } from '../../../src/formats/tensor-stream';
import { describeExport } from '../../../src/model/describe-export';
import { isExport, readExport } from '../../../src/model/load-export';
import { LoadedModel } from '../../../src/model/loaded-model';
import { memoryFiles } from '../../../src/sources/memory-files';
import { runtime } from './open-session';
import { readerOf, tensorShapes, tinyConfig, tinyWeights } from './tiny-model';
import { tinyTexts } from './tiny-texts';

const reader = readerOf('tiny', tinyWeights(tinyConfig, 1), tensorShapes(tinyConfig));
const texts = tinyTexts(tinyConfig);
const tokens = [5, 90, 33, 71, 12];

async function exported(dtype: 'fp16' | 'q8' | 'q4'): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  for (const file of describeExport(streamCheckpoint(reader), texts, dtype)) {
    const pieces: Uint8Array[] = [];
    for await (const bytes of file.stream()) pieces.push(bytes.slice());
    contents.set(file.path, new Uint8Array(Buffer.concat(pieces)));
  }
  return contents;
}

describe('readExport', () => {
  it.each(['fp16', 'q8', 'q4'] as const)(
    'gives a model the weights that were exported, unchanged: %s',
    async (dtype) => {
      const folder = memoryFiles('run', await exported(dtype));
      expect(isExport(folder)).toBe(true);
      const found = await readExport(folder);
      expect(found.dtype).toBe(dtype);
      const provider = 'wasm' as const;
      const again = await LoadedModel.loadExport(found, { runtime, provider });
      const direct = await LoadedModel.load({ runtime, files: texts, reader, dtype, provider });
      expect(again.facts.weightBytes).toBe(direct.facts.weightBytes);
      expect(await again.logits(tokens)).toEqual(await direct.logits(tokens));
      const [reply] = await again.generateBatch(['Chat'], { maxNewTokens: 6 });
      expect(reply?.text).toBe(
        (await direct.generateBatch(['Chat'], { maxNewTokens: 6 }))[0]?.text,
      );
      await again.dispose();
      await direct.dispose();
    },
  );

  it('refuses what another program or version wrote', async () => {
    const contents = await exported('q4');
    const changed = new Map(contents);
    const graph = Uint8Array.from(contents.get('onnx/model_q4.onnx') ?? []);
    graph[100] = (graph[100] ?? 0) ^ 1;
    changed.set('onnx/model_q4.onnx', graph);
    const short = new Map(contents);
    short.set('onnx/model_q4.onnx_data', new Uint8Array(10));
    for (const odd of [changed, short]) {
      await expect(readExport(memoryFiles('odd', odd))).rejects.toMatchObject({
        code: 'model/unsupported',
      });
    }
    expect(isExport(memoryFiles('plain', new Map([['config.json', '{}']])))).toBe(false);
  });
});
