import { LatestOnly } from '../../core/abort';
import { LabError, isAbort, sentenceOf } from '../../core/errors';
import type { Collection, ModelSummary, PlanReport } from '../../rpc/lab';
import type { LabSession } from '../state/lab-session.svelte';
import { startSetup } from '../state/setup';
import { recipeOf } from '../state/setup-recipe';
import type { ChosenModel, ChosenModels } from './chosen-models.svelte';

/** How long the choice rests before headers are read. */
const restMs = 300;

/** Why there is no plan. */
export interface FitProblem {
  readonly code: string;
  readonly sentence: string;
  /** The gated model that stands in the way. */
  readonly repo?: string;
}

/** Finds out from headers alone whether the chosen models fit together and what a merge would cost. */
export class FitDesk {
  report = $state.raw<PlanReport>();
  problem = $state.raw<FitProblem>();
  isPlanning = $state(false);
  readonly #session: LabSession;
  readonly #chosen: ChosenModels;
  readonly #latest = new LatestOnly();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(session: LabSession, chosen: ChosenModels) {
    this.#session = session;
    this.#chosen = chosen;
  }

  /** Plans after a pause; the newest call wins. */
  schedule(): void {
    this.stop();
    this.report = undefined;
    this.problem = undefined;
    if (!this.#chosen.isUsable) return;
    const signal = this.#latest.begin();
    this.isPlanning = true;
    this.#timer = setTimeout(() => {
      void this.#plan(signal);
    }, restMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#latest.cancel();
    this.isPlanning = false;
  }

  async #plan(signal: AbortSignal): Promise<void> {
    try {
      const tools = await this.#session.recipes.load();
      const text = tools.writeRecipe(tryRecipe(this.#chosen, this.#session.setup.method));
      const report = await this.#session.lab().planModels(text, this.#chosen.placed, { signal });
      if (!signal.aborted) this.report = report;
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      this.problem = problemOf(error);
    } finally {
      if (!signal.aborted) this.isPlanning = false;
    }
  }
}

/** The merge of all chosen models by the method in use, with the settings it starts with. */
function tryRecipe(chosen: ChosenModels, method: string): ReturnType<typeof recipeOf> {
  const { base, specialists } = chosen;
  const summary = (model: ChosenModel | undefined, role: ModelSummary['role']): ModelSummary => ({
    id: model?.isAdapter === true ? `${chosen.baseId}+${model.id}` : (model?.id ?? ''),
    title: model?.id ?? '',
    role,
    parameterCount: 0,
    sizeBytes: model?.sizeBytes ?? 0,
    dtype: '',
  });
  const collection: Collection = {
    kind: 'folders',
    base: summary(base, 'base'),
    specialists: specialists.map((model) => summary(model, 'specialist')),
    warnings: [],
  };
  return recipeOf(startSetup(collection, method), collection);
}

function problemOf(error: unknown): FitProblem {
  if (!(error instanceof LabError)) {
    return { code: 'page/unexpected', sentence: sentenceOf(error) };
  }
  const repo = error.details['repo'];
  return {
    code: error.code,
    sentence: error.message,
    ...(error.code === 'hub/gated' && typeof repo === 'string' ? { repo } : {}),
  };
}
