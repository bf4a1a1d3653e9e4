import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRecipeInputs } from '../../../src/cli/recipe-inputs';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import { parseRecipes } from '../../../src/recipe/parse-recipe';
import { HubClient } from '../../../src/sources/hub/hub-client';
import { bytesContent } from '../../hub/content';
import { modelFromFolder, type HubTestModel } from '../../hub/repos';
import { startHubServer, type HubServer } from '../../hub/server';

const folder = mkdtempSync(join(tmpdir(), 'mergelab-hub-'));
const empty = join(folder, 'empty');
const token = 'hf_SecretOfTheCommandLine';
let hub: HubServer;

beforeAll(async () => {
  mkdirSync(empty);
  const zoo = async (name: string, gated: false | 'auto' = false): Promise<HubTestModel> =>
    modelFromFolder(join('public', 'zoo', name), `lab/${name}`, { gated, licence: 'apache-2.0' });
  hub = await startHubServer({
    models: [
      await zoo('base'),
      await zoo('math'),
      await zoo('coding'),
      await zoo('safety', 'auto'),
      adapter(),
    ],
    users: [{ name: 'ada', token, accepted: ['lab/safety'] }],
  });
});
afterAll(async () => {
  await hub.close();
  rmSync(folder, { recursive: true });
});

/** An adapter of rank 1 for one tensor of the zoo. */
function adapter(): HubTestModel {
  const config = '{"peft_type":"LORA","r":1,"lora_alpha":1}';
  const target = 'base_model.model.model.layers.0.mlp.up_proj';
  const ones = (name: string, shape: readonly number[]) => ({
    name: `${target}.${name}.weight`,
    dtype: 'F32' as const,
    shape,
    bytes: new Uint8Array(
      new Float32Array(shape[0] === 1 ? (shape[1] ?? 0) : (shape[0] ?? 0)).fill(1).buffer,
    ),
  });
  const zooConfig = JSON.parse(readFileSync('public/zoo/base/config.json', 'utf8')) as {
    readonly hidden_size: number;
    readonly intermediate_size: number;
  };
  const weights = encodeSafetensors([
    ones('lora_A', [1, zooConfig.hidden_size]),
    ones('lora_B', [zooConfig.intermediate_size, 1]),
  ]);
  const files = new Map([
    ['adapter_config.json', bytesContent(config)],
    ['adapter_model.safetensors', bytesContent(weights)],
  ]);
  return { repo: 'lab/adapter', files };
}

interface Ended {
  readonly status: number;
  readonly printed: string;
  readonly err: string;
}

/** Runs the command beside this process, which serves the Hub. */
async function mergelab(
  parameters: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const child = spawn(process.execPath, ['src/cli/bin.mjs', ...parameters], {
    env: { ...process.env, HF_TOKEN: undefined, ...env },
  });
  let printed = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const status = await new Promise<number>((end) =>
    child.on('close', (code) => {
      end(code ?? -1);
    }),
  );
  return { status, printed, err };
}

function recipeFile(specialist: string): string {
  const path = join(folder, 'recipe.yml');
  const text = `merge_method: ties
base_model: lab/base
models:
  - model: lab/${specialist}
    parameters: {weight: 0.7, density: 0.6}
  - model: lab/coding
    parameters: {weight: 0.4, density: 0.5}
`;
  writeFileSync(path, text);
  return path;
}

describe('mergelab merge --hub', () => {
  it('writes the same bytes as from folders, through drops on the way', async () => {
    const roots = join(folder, 'folders');
    mkdirSync(join(roots, 'lab'), { recursive: true });
    for (const name of ['base', 'math', 'coding']) {
      symlinkSync(resolve('public', 'zoo', name), join(roots, 'lab', name));
    }
    const recipe = recipeFile('math');
    hub.setFaults([
      { at: 'cdn', action: { kind: 'drop', afterBytes: 200_000 }, after: 3, times: 2 },
    ]);
    const fromHub = join(folder, 'hub', 'merged');
    const fromFolder = join(folder, 'folder', 'merged');
    const first = await mergelab([
      'merge',
      recipe,
      '--root',
      empty,
      '--hub',
      hub.url,
      '--out',
      fromHub,
    ]);
    expect(first.err).toBe('');
    expect(first.status).toBe(0);
    const second = await mergelab(['merge', recipe, '--root', roots, '--out', fromFolder]);
    expect(second.err).toBe('');
    expect(readdirSync(fromHub)).toEqual(readdirSync(fromFolder));
    for (const name of readdirSync(fromHub)) {
      const [left, right] = [fromHub, fromFolder].map((out) => readFileSync(join(out, name)));
      expect(left?.equals(right ?? Buffer.alloc(0)), name).toBe(true);
    }
  });

  it('says what to accept of a gated model, and reads it with HF_TOKEN, which it never shows', async () => {
    const out = join(folder, 'gated');
    const parameters = [
      'merge',
      recipeFile('safety'),
      '--root',
      empty,
      '--hub',
      hub.url,
      '--out',
      out,
    ];
    const refused = await mergelab(parameters);
    expect(refused.status).toBe(1);
    expect(refused.err).toContain('error hub/gated: ');
    expect(refused.err).toContain(`${hub.url}/lab/safety`);
    expect(refused.err.trim().split('\n')).toHaveLength(1);
    const accepted = await mergelab(parameters, { HF_TOKEN: token });
    expect(accepted.status).toBe(0);
    expect(accepted.printed + accepted.err).not.toContain(token);
    expect(readFileSync(join(out, 'README.md'), 'utf8')).not.toContain(token);
  });
});

describe('openRecipeInputs with a Hub', () => {
  const recipes = (...models: readonly string[]) =>
    parseRecipes(
      `merge_method: linear\nmodels:\n${models.map((id) => `  - {model: "${id}", parameters: {weight: 1}}\n`).join('')}`,
      'recipe.yml',
    ).map(({ recipe }) => recipe);
  const client = (): HubClient => new HubClient({ endpoint: hub.url });

  it('adds an adapter on the Hub to a model on the Hub', async () => {
    const id = 'lab/base+lab/adapter';
    const given = recipes('lab/base@main', id);
    const { inputs } = await openRecipeInputs(given, empty, { hub: client() });
    const tensor = 'model.layers.0.mlp.up_proj.weight';
    const [plain, adapted] = await Promise.all(
      ['lab/base@main', id].map(async (name) => inputs.get(name)?.checkpoint.read(tensor)),
    );
    expect(adapted?.byteLength).toBeGreaterThan(0);
    expect(Buffer.from(adapted ?? []).equals(Buffer.from(plain ?? []))).toBe(false);
  });

  it('takes a folder before a model of the same name, and asks the Hub nothing then', async () => {
    const root = join(folder, 'first');
    mkdirSync(join(root, 'lab'), { recursive: true });
    symlinkSync(resolve('public/zoo/math'), join(root, 'lab', 'base'));
    hub.forgetRequests();
    const { inputs, close } = await openRecipeInputs(recipes('lab/base'), root, { hub: client() });
    expect(inputs.get('lab/base')?.files.label).toBe('base');
    expect(hub.requests).toEqual([]);
    await close();
  });

  it('names both places where a model was looked for', async () => {
    const missing = openRecipeInputs(recipes('lab/nothing'), empty, { hub: client() });
    const there = join(empty, 'lab', 'nothing');
    await expect(missing).rejects.toMatchObject({
      code: 'recipe/missing-model',
      message: expect.stringContaining(there) as string,
      details: { model: 'lab/nothing', hub: hub.url },
    });
    const late = openRecipeInputs(recipes('lab/base@v9'), empty, { hub: client() });
    await expect(late).rejects.toMatchObject({ code: 'recipe/missing-model' });
  });
});
