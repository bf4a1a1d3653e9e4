import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import type { MergeBackend } from '../../../src/expr/backend';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { compareTensors } from './compare-tensors';
import { goldenModels, readGoldens, readOutputs } from './golden-files';
import type { Golden, GoldenTensor } from './golden-merges';
import { mergeGolden } from './golden-merges';
import { complaint, mergedAnyway, withoutDeviations } from './tolerance';

const root = new URL('../../fixtures/mergekit/', import.meta.url);
const goldens = readGoldens(root);
const folderOf = ({ models }: Golden): URL => new URL(`models/${models}/`, root);

let outputs: Map<string, Map<string, GoldenTensor>>;
const backends: readonly MergeBackend[] = [new OracleBackend(), new WasmBackend()];

beforeAll(async () => {
  outputs = await readOutputs(root);
});
afterAll(() => {
  for (const backend of backends) backend.dispose();
});

describe.each(backends)('$id merges as mergekit does', (backend) => {
  it.each(goldens.filter(({ error }) => error === undefined))('$id', async (golden) => {
    const wanted = outputs.get(golden.id) ?? new Map<string, GoldenTensor>();
    const found = await mergeGolden(golden.recipe, await goldenModels(folderOf(golden)), backend);
    expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
    const compared = withoutDeviations(golden, wanted);
    const dtypes = new Set([...found.values()].map(({ dtype }) => dtype));
    expect(dtypes).toEqual(new Set([...wanted.values()].map(({ dtype }) => dtype)));
    expect(complaint(golden, compareTensors(found, compared), dtypes)).toBeUndefined();
  });
});

describe('what mergekit refuses', () => {
  it.each(goldens.filter(({ error }) => error !== undefined))('$id: $error', async (golden) => {
    const [backend = new OracleBackend()] = backends;
    const merging = mergeGolden(golden.recipe, await goldenModels(folderOf(golden)), backend);
    if (golden.id in mergedAnyway) await expect(merging).resolves.toBeInstanceOf(Map);
    else await expect(merging).rejects.toBeInstanceOf(LabError);
  });
});
