import type { JsonObject } from '../formats/bounded-json';
import type { TensorInfo } from '../formats/checkpoint-reader';
import type { Architecture } from './architecture';
import { aliasesOf, architectureOf, isBuffer, layerNameOf, roleOf } from './architecture';
import type { ModelInput } from './model-input';

/** The tensors of one model as the plan sees them: without buffers, with ties and other names. */
export class ModelTensors {
  readonly model: ModelInput;
  readonly architecture: Architecture;
  /** Names that take part, in the order of the file. */
  readonly names: readonly string[];
  /** Numbers of the layers of every stack, ascending, by the name of the stack. */
  readonly stacks: ReadonlyMap<string, readonly number[]>;
  readonly embedding: TensorInfo | undefined;
  /** A head that differs from the embedding: stored, and not declared to be tied. */
  readonly ownHead: TensorInfo | undefined;
  /** Of the first stack of the language model. */
  readonly #layerRests = new Map<number, string[]>();

  /** @param config undefined when the model has none: then a stored head counts */
  constructor(model: ModelInput, config: JsonObject | undefined) {
    this.model = model;
    this.architecture = architectureOf(config);
    const { modelType, tiesHead } = this.architecture;
    const all = [...model.checkpoint.tensors.values()];
    this.embedding = all.find(({ name, shape }) => roleOf(name, shape) === 'embedding');
    const head = all.find(({ name, shape }) => roleOf(name, shape) === 'head');
    const isCopy = head !== undefined && tiesHead && this.embedding !== undefined;
    this.ownHead = isCopy ? undefined : head;
    this.names = all
      .map(({ name }) => name)
      .filter((name) => !isBuffer(name, modelType) && !(isCopy && name === head.name));
    const stacks = new Map<string, Set<number>>();
    for (const name of this.names) {
      const layer = layerNameOf(name);
      if (layer === undefined) continue;
      const indices = stacks.get(layer.stack) ?? new Set();
      stacks.set(layer.stack, indices.add(layer.index));
    }
    this.stacks = new Map(
      [...stacks].map(([stack, indices]) => [stack, [...indices].sort((a, b) => a - b)]),
    );
    const [textStack] = this.textStacks;
    for (const name of this.names) {
      const layer = layerNameOf(name);
      if (layer === undefined || layer.stack !== textStack) continue;
      const rests = this.#layerRests.get(layer.index) ?? [];
      rests.push(layer.rest);
      this.#layerRests.set(layer.index, rests);
    }
  }

  /** Stacks of the language model. */
  get textStacks(): readonly string[] {
    return [...this.stacks.keys()].filter((stack) => !/vision|visual|audio|image/.test(stack));
  }

  /** Layers of the first stack of the language model. */
  get layerCount(): number {
    return this.stacks.get(this.textStacks[0] ?? '')?.length ?? 0;
  }

  get firstLayer(): number {
    return this.stacks.get(this.textStacks[0] ?? '')?.[0] ?? 0;
  }

  /** What stands after the number in the names of one layer's tensors. */
  layerRests(index: number): readonly string[] {
    return this.#layerRests.get(index) ?? [];
  }

  /** How this model spells a tensor of another. */
  spellingOf(name: string): string {
    const { tensors } = this.model.checkpoint;
    if (tensors.has(name)) return name;
    return aliasesOf(name).find((other) => tensors.has(other)) ?? name;
  }

  /**
   * The tensor that stands for `name`: its own, one under another name, or the embedding for a head
   * that is tied to it.
   */
  find(name: string): TensorInfo | undefined {
    const { tensors } = this.model.checkpoint;
    if (roleOf(name, []) === 'head') return this.ownHead ?? this.embedding;
    const alias = aliasesOf(name).find((other) => tensors.has(other));
    return tensors.get(name) ?? (alias === undefined ? undefined : tensors.get(alias));
  }
}

const known = new WeakMap<ModelInput, { config: JsonObject | undefined; tensors: ModelTensors }>();

/** `ModelTensors`, made once for every model: live merges plan at every movement of a slider. */
export function modelTensorsOf(model: ModelInput, config: JsonObject | undefined): ModelTensors {
  const before = known.get(model);
  if (before !== undefined && before.config === config) return before.tensors;
  const tensors = new ModelTensors(model, config);
  known.set(model, { config, tensors });
  return tensors;
}
