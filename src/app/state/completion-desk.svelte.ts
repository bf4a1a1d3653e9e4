import { isAbort } from '../../core/errors';
import type { GenerationReport, Lab, Slot } from '../../rpc/lab';
import type { Activity } from './activity.svelte';
import type { Problems } from './problems.svelte';

/** One model's reply to the prompt. */
export interface Completion {
  readonly state: 'empty' | 'waiting' | 'writing' | 'done' | 'stopped';
  readonly text: string;
  readonly report: GenerationReport | undefined;
}

const emptyCompletion: Completion = { state: 'empty', text: '', report: undefined };

/** The prompt box: one prompt, answered by the base, a specialist and the merge. */
export class CompletionDesk {
  prompt = $state('');
  maxNewTokens = $state(64);
  /** 0 takes the likeliest token each time, so the reply is the same every time. */
  temperature = $state(0);
  replies = $state.raw<Readonly<Record<Slot, Completion>>>({});
  isRunning = $state(false);
  /** The merge changed after it replied. */
  isMergeReplyOld = $state(false);
  readonly #lab: () => Lab;
  readonly #activity: Activity;
  readonly #problems: Problems;
  #controller: AbortController | undefined;

  constructor(lab: () => Lab, activity: Activity, problems: Problems) {
    this.#lab = lab;
    this.#activity = activity;
    this.#problems = problems;
  }

  replyOf(slot: Slot): Completion {
    return this.replies[slot] ?? emptyCompletion;
  }

  /** Asks the slots one after the other: they share one runtime, and the merge is asked first. */
  async run(slots: readonly Slot[]): Promise<void> {
    this.stop();
    const controller = new AbortController();
    this.#controller = controller;
    this.isRunning = true;
    this.isMergeReplyOld = false;
    this.replies = Object.fromEntries(
      slots.map((slot) => [slot, { ...emptyCompletion, state: 'waiting' } satisfies Completion]),
    );
    try {
      await this.#activity.run(
        'Writing',
        async ({ signal }) => {
          for (const slot of slots) await this.#ask(slot, signal);
        },
        controller.signal,
      );
      this.#problems.clear('completion');
      this.#activity.say('The replies are complete.');
    } catch (error) {
      if (controller.signal.aborted && this.#controller !== controller) return;
      this.#markStopped();
      if (isAbort(error)) this.#activity.say('Stopped writing.');
      else this.#problems.report(error, 'completion');
    } finally {
      if (this.#controller === controller) {
        this.#controller = undefined;
        this.isRunning = false;
      }
    }
  }

  stop(): void {
    this.#controller?.abort();
  }

  /** The sliders moved: the merge's reply is no longer this merge's. */
  mergeChanged(): void {
    if (this.replyOf('merge').state === 'empty') return;
    this.isMergeReplyOld = true;
  }

  clear(): void {
    this.stop();
    this.replies = {};
  }

  async #ask(slot: Slot, signal: AbortSignal): Promise<void> {
    this.#put(slot, { state: 'writing', text: '', report: undefined });
    // Pieces and the end of the call come over different channels, so a piece may come last.
    let isOver = false;
    const report = await this.#lab().generate(
      {
        slot,
        prompt: this.prompt,
        maxNewTokens: this.maxNewTokens,
        temperature: this.temperature,
        seed: 0,
      },
      (piece) => {
        if (signal.aborted || isOver) return;
        this.#put(slot, {
          state: 'writing',
          text: this.replyOf(slot).text + piece,
          report: undefined,
        });
      },
      { signal },
    );
    isOver = true;
    signal.throwIfAborted();
    this.#put(slot, { state: 'done', text: report.text, report });
  }

  #put(slot: Slot, completion: Completion): void {
    this.replies = { ...this.replies, [slot]: completion };
  }

  #markStopped(): void {
    this.replies = Object.fromEntries(
      Object.entries(this.replies).map(([slot, reply]) => [
        slot,
        reply.state === 'done' ? reply : { ...reply, state: 'stopped' as const },
      ]),
    );
  }
}
