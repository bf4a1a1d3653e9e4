import { LabError } from '../core/errors';
import type { LongTask } from '../core/progress';
import { quoted } from '../formats/text';
import { readExport } from '../model/load-export';
import { LoadedModel } from '../model/loaded-model';
import type { OrtRuntime } from '../model/ort-runtime';
import type { ModelTexts } from '../model/model-texts';
import { encodingFor, weightBytes } from '../model/session-memory';
import type { CheckpointReader } from '../formats/checkpoint-reader';
import type { ModelFiles } from '../sources/model-files';
import { contentsOf } from './open-model';

/** Sessions kept beside each other; beyond it the least recently used is dropped. */
const keptWeightBytes = 640 * 1024 * 1024;

/** The models that can speak, each under the name of its slot. */
export class LoadedSlots {
  readonly #runtime: OrtRuntime;
  /** In the order of use, the most recent last. */
  readonly #models = new Map<string, LoadedModel>();
  readonly #texts = new Map<string, ModelTexts>();

  constructor(runtime: OrtRuntime) {
    this.#runtime = runtime;
  }

  get(slot: string): LoadedModel | undefined {
    const model = this.#models.get(slot);
    if (model === undefined) return undefined;
    this.#models.delete(slot);
    this.#models.set(slot, model);
    return model;
  }

  /**
   * Loads a model into a slot; if one with the same config and tokenizer is there already, only its
   * weights are replaced.
   * @throws LabError `source/missing-file` for weights without a config; as `LoadedModel.load`
   */
  async load(
    slot: string,
    texts: ModelTexts,
    reader: CheckpointReader,
    task: LongTask,
  ): Promise<LoadedModel> {
    const present = this.get(slot);
    if (present !== undefined && sameTexts(this.#texts.get(slot), texts)) {
      await present.replaceWeights(reader, task);
      return present;
    }
    if (!texts.has('config.json')) throw bareWeights(reader.label);
    await this.drop(slot);
    const { parameterCount } = contentsOf(reader);
    const dtype = encodingFor(parameterCount);
    await this.#makeRoom(weightBytes(parameterCount, dtype));
    const model = await LoadedModel.load({
      runtime: this.#runtime,
      files: texts,
      reader,
      dtype,
      provider: 'wasm',
      ...task,
    });
    this.#models.set(slot, model);
    this.#texts.set(slot, texts);
    return model;
  }

  /** Loads an exported folder into a slot, as it is. @throws LabError as `readExport` */
  async loadExport(slot: string, files: ModelFiles, task: LongTask): Promise<LoadedModel> {
    await this.drop(slot);
    const sizes = [...files.files.values()].map(({ sizeBytes }) => sizeBytes);
    await this.#makeRoom(sizes.reduce((sum, sizeBytes) => sum + sizeBytes, 0));
    const exported = await readExport(files, task);
    const setting = { runtime: this.#runtime, provider: 'wasm' } as const;
    const model = await LoadedModel.loadExport(exported, setting, task);
    this.#models.set(slot, model);
    return model;
  }

  async drop(slot: string): Promise<void> {
    const model = this.#models.get(slot);
    this.#models.delete(slot);
    this.#texts.delete(slot);
    await model?.dispose();
  }

  async dropAll(): Promise<void> {
    for (const slot of [...this.#models.keys()]) await this.drop(slot);
  }

  async #makeRoom(neededBytes: number): Promise<void> {
    let usedBytes = neededBytes;
    for (const model of this.#models.values()) usedBytes += model.facts.weightBytes;
    for (const [slot, model] of [...this.#models]) {
      if (usedBytes <= keptWeightBytes) return;
      usedBytes -= model.facts.weightBytes;
      await this.drop(slot);
    }
  }
}

function bareWeights(label: string): LabError {
  return new LabError(
    'source/missing-file',
    `${quoted(label)} has no config.json, so it cannot write text or be scored; a merge of it can still be planned and exported.`,
    { details: { model: label } },
  );
}

function sameTexts(before: ModelTexts | undefined, after: ModelTexts): boolean {
  return (
    before?.size === after.size && [...after].every(([name, text]) => before.get(name) === text)
  );
}
