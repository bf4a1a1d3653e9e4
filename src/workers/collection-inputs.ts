import { LabError } from '../core/errors';
import { adaptModel } from '../engine/adapted-checkpoint';
import type { ModelInput, ModelInputs } from '../engine/model-input';
import { withArchitecture } from '../engine/overlay-files';
import { neededModels } from '../engine/recipe-models';
import { quoted } from '../formats/text';
import { parseModelReference } from '../recipe/model-reference';
import type { Recipe } from '../recipe/recipe';
import type { ModelFiles } from '../sources/model-files';
import type { OpenCollection, OpenModel } from './open-collection';

/**
 * The inputs of a collection's merges: its models, and what recipes make of them by reference, such as
 * a specialist with an adapter. A reference is made once, so that it is the same input in every merge.
 */
export class CollectionInputs {
  readonly #collection: OpenCollection;
  readonly #known: Map<string, ModelInput>;

  constructor(collection: OpenCollection) {
    this.#collection = collection;
    this.#known = new Map(this.models.map((model) => [model.id, model]));
  }

  /**
   * Every model that is open, and all that the last of the recipes and its stages name. The map is the
   * same every time and grows.
   * @throws LabError `recipe/missing-model` for an adapter that is not open; as `adaptModel`
   */
  async of(recipes: readonly Recipe[], signal?: AbortSignal): Promise<ModelInputs> {
    for (const id of neededModels(recipes).models) {
      if (this.#known.has(id)) continue;
      const input = await this.#refer(id, signal);
      if (input !== undefined) this.#known.set(id, input);
    }
    return this.#known;
  }

  /** The models that were opened, the base first. */
  get models(): readonly OpenModel[] {
    return [this.#collection.base, ...this.#collection.specialists];
  }

  /** @throws LabError `recipe/missing-model` */
  adapter(name: string): ModelFiles {
    const { adapters } = this.#collection;
    const files = adapters.get(name);
    if (files !== undefined) return files;
    const names = [...adapters.keys()].join(', ');
    const known =
      adapters.size === 0 ? 'none is' : `${names} ${adapters.size === 1 ? 'is' : 'are'}`;
    throw new LabError(
      'recipe/missing-model',
      `The recipe names the adapter ${quoted(name)}, which is not open; ${known}. Pick its folder together with the models.`,
      { details: { model: name } },
    );
  }

  /** Undefined for what is not open: whoever plans with it says so. */
  async #refer(id: string, signal: AbortSignal | undefined): Promise<ModelInput | undefined> {
    const { model, lora, overrideArchitecture } = parseModelReference(id);
    const open = this.#known.get(model.path);
    if (open === undefined || model.revision !== undefined) return undefined;
    let input: ModelInput = { ...open, id };
    if (overrideArchitecture !== undefined) {
      input = await withArchitecture(input, overrideArchitecture, signal);
    }
    return lora === undefined ? input : adaptModel(id, input, this.adapter(lora.path), signal);
  }
}
