import { LabError, isAbort, sentenceOf } from '../../core/errors';

/** The kind of work that failed; its alerts go when it succeeds. */
export type ProblemTopic =
  'browser' | 'completion' | 'export' | 'link' | 'loss' | 'merge' | 'models' | 'runs' | 'storage';

/** One failure as the page shows it. */
export interface Problem {
  readonly id: number;
  readonly topic: ProblemTopic;
  readonly code: string;
  readonly sentence: string;
}

/** Most alerts on screen at once; the oldest gives way. */
const mostShown = 3;

/** The failures a person has not dismissed yet. */
export class Problems {
  shown = $state.raw<readonly Problem[]>([]);
  #nextId = 1;

  /** Shows what was thrown, unless it was an abort or is on screen already. */
  report(error: unknown, topic: ProblemTopic): void {
    if (isAbort(error)) return;
    const code = error instanceof LabError ? error.code : 'page/unexpected';
    const sentence = sentenceOf(error);
    if (this.shown.some((problem) => problem.sentence === sentence)) return;
    this.shown = [...this.shown, { id: this.#nextId++, topic, code, sentence }].slice(-mostShown);
  }

  dismiss(id: number): void {
    this.shown = this.shown.filter((problem) => problem.id !== id);
  }

  /** The work succeeded: its alerts would outlive their cause. */
  clear(topic: ProblemTopic): void {
    if (this.shown.some((problem) => problem.topic === topic)) {
      this.shown = this.shown.filter((problem) => problem.topic !== topic);
    }
  }
}
