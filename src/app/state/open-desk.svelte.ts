import type { Collection, Lab, PlacedModel } from '../../rpc/lab';
import { isLiveSize } from '../../workers/live-limit';
import type { Activity } from './activity.svelte';
import { bytesText, countedText } from './format';
import type { Problems } from './problems.svelte';

/** Which models to open, and where they lie. */
export interface Opening {
  /** What is going on, as the activity bar says it. */
  readonly label: string;
  readonly work: (task: Parameters<Lab['openZoo']>[0]) => Promise<Collection>;
  readonly placesIn: (collection: Collection) => readonly PlacedModel[];
}

/** The models that are open. The newest opening wins; one that fails leaves what was open before. */
export class OpenDesk {
  collection = $state.raw<Collection>();
  /** Where the models of the collection lie, for runs and links. */
  places = $state.raw<readonly PlacedModel[]>([]);
  isOpening = $state(true);
  readonly #activity: Activity;
  readonly #problems: Problems;
  #openings = 0;

  constructor(activity: Activity, problems: Problems) {
    this.#activity = activity;
    this.#problems = problems;
  }

  /** Whether sliders merge by themselves; large models wait for the button. */
  get isLive(): boolean {
    if (this.collection === undefined) return false;
    const { base, specialists } = this.collection;
    return isLiveSize([base, ...specialists]);
  }

  /**
   * Opens models; says whether they are open now.
   * @param adopt called with them before the opening counts as done
   */
  async open(
    { label, work, placesIn }: Opening,
    adopt: (collection: Collection, isFirst: boolean) => Promise<void>,
  ): Promise<boolean> {
    const opening = ++this.#openings;
    this.isOpening = true;
    try {
      const collection = await this.#activity.run(label, work);
      if (opening !== this.#openings) return false;
      const isFirst = this.collection === undefined;
      this.collection = collection;
      this.places = placesIn(collection);
      await adopt(collection, isFirst);
      this.#problems.clear('models');
      const { base, specialists } = collection;
      const sizeBytes = [base, ...specialists].reduce((sum, model) => sum + model.sizeBytes, 0);
      this.#activity.say(
        `Opened ${base.title} and ${countedText(specialists.length, 'specialist')}, ${bytesText(sizeBytes)}.`,
      );
      return true;
    } catch (error) {
      if (opening === this.#openings) this.#problems.report(error, 'models');
      return false;
    } finally {
      if (opening === this.#openings) this.isOpening = false;
    }
  }
}
