import { domainIds } from '../../eval/tasks/task';
import type { DomainScore, Lab, Slot } from '../../rpc/lab';
import type { Activity } from '../state/activity.svelte';
import type { Problems } from '../state/problems.svelte';

/** As much of a reply as shows what a model is like. */
const maxNewTokens = 128;

/** A finished run put to the test: scored, and asked. Its stored weights run as they are. */
export class RunTrial {
  prompt = $state('');
  reply = $state('');
  /** In the order of the domains, as far as items were run. */
  scores = $state.raw<readonly DomainScore[]>([]);
  /** In what numbers it ran; empty until it did. */
  dtype = $state('');
  isBusy = $state(false);
  readonly #slot: Slot;
  readonly #lab: () => Lab;
  readonly #activity: Activity;
  readonly #problems: Problems;

  constructor(slot: Slot, lab: () => Lab, activity: Activity, problems: Problems) {
    this.#slot = slot;
    this.#lab = lab;
    this.#activity = activity;
    this.#problems = problems;
  }

  /** Scores it on the quick set of the page's own questions. */
  async score(title: string): Promise<void> {
    const request = { slot: this.#slot, selection: 'quick', domains: domainIds } as const;
    await this.#try(`Scoring ${title}`, async (task) => {
      this.scores = [];
      const last = await this.#lab().evaluate(
        request,
        ({ scores, dtype }) => {
          this.scores = scores;
          this.dtype = dtype;
        },
        task,
      );
      this.scores = last.scores;
      this.#activity.say(`${title} is scored.`);
    });
  }

  /** Completes the prompt; greedy, so that the reply is the same every time. */
  async ask(title: string): Promise<void> {
    const { prompt } = this;
    await this.#try(`${title} is writing`, async (task) => {
      this.reply = '';
      const request = { slot: this.#slot, prompt, maxNewTokens, temperature: 0, seed: 0 };
      const { text } = await this.#lab().generate(
        request,
        (piece) => {
          this.reply += piece;
        },
        task,
      );
      this.reply = text;
    });
  }

  async #try(label: string, work: Parameters<Activity['run']>[1]): Promise<void> {
    this.isBusy = true;
    try {
      await this.#activity.run(label, work);
    } catch (error) {
      this.#problems.report(error, 'runs');
    } finally {
      this.isBusy = false;
    }
  }
}
