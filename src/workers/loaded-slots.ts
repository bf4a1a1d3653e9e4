import type { LongTask } from '../core/progress';
import { LoadedModel } from '../model/loaded-model';
import type { OrtRuntime } from '../model/ort-runtime';
import { readModelTexts } from '../model/read-texts';
import type { WeightEncoding } from '../model/weight-plan';
import type { CheckpointReader } from '../formats/checkpoint-reader';
import type { OpenModel } from './open-collection';

/**
 * fp32 is the fastest encoding on WebAssembly, where quantised weights are widened at every call;
 * above this size it would take more than a quarter of the 4 GB that WebAssembly can address.
 */
const fp32UpToParameters = 250_000_000;
/** Sessions kept beside each other; beyond it the least recently used is dropped. */
const keptWeightBytes = 640 * 1024 * 1024;

/** The models that can speak, each under the name of its slot. */
export class LoadedSlots {
  readonly #runtime: OrtRuntime;
  /** In the order of use, the most recent last. */
  readonly #models = new Map<string, LoadedModel>();

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
   * Loads a model into a slot; if weights of the same shape are there already, only they are
   * replaced.
   * @param template gives config and tokenizer; `reader` the weights
   */
  async load(
    slot: string,
    template: OpenModel,
    reader: CheckpointReader,
    task: LongTask,
  ): Promise<LoadedModel> {
    const present = this.get(slot);
    if (present !== undefined) {
      await present.replaceWeights(reader, task);
      return present;
    }
    const dtype = encodingFor(template.parameterCount);
    await this.#makeRoom(template.parameterCount * (dtype === 'fp32' ? 4 : 1.2));
    const model = await LoadedModel.load({
      runtime: this.#runtime,
      files: await readModelTexts(template.files, task.signal),
      reader,
      dtype,
      provider: 'wasm',
      ...task,
    });
    this.#models.set(slot, model);
    return model;
  }

  async drop(slot: string): Promise<void> {
    const model = this.#models.get(slot);
    this.#models.delete(slot);
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

/** The encoding in which a model of this size is run and scored. */
export function encodingFor(parameterCount: number): WeightEncoding {
  return parameterCount <= fp32UpToParameters ? 'fp32' : 'q8';
}
