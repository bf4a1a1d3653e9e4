import type { Random } from '../../core/random';
import { fillTemplate, joinContent } from './fill-template';
import type { DrawnItem, TaskKind } from './task';

/** A function to write, before the request is worded. */
export interface FunctionTask {
  /** Fills the wordings and names the question; `name` is the function's name. */
  readonly values: Readonly<Record<string, string | number>> & { readonly name: string };
  readonly parameters: readonly string[];
  /** The expression after `return`. */
  readonly expression: string;
  /** What to return, in words; `{...}` are filled from `values`. */
  readonly wordings: readonly string[];
  /** Arguments as Python source, and the value they must give as Python source. */
  readonly calls: readonly (readonly [call: string, result: string])[];
}

const requests: readonly string[] = [
  'Write {signature} that returns {what}.',
  'Write a function {signature} that gives {what}.',
  'Define {signature} to return {what}.',
];

/** Python source of a truth value. */
export function pythonBool(value: boolean): string {
  return value ? 'True' : 'False';
}

/**
 * A kind of coding question: a one-line Python function, judged by running assertions.
 *
 * The weak answer starts as prose, unlike every right answer, so that a base which gives weak
 * answers does not stand one token away from the right ones.
 */
export function codingKind(
  kindName: string,
  drawTask: (random: Random) => FunctionTask,
  options: { readonly share?: number; readonly tail?: boolean } = {},
): TaskKind {
  const id = `coding/${kindName}`;
  return {
    id,
    ...options,
    draw(random: Random): DrawnItem {
      const task = drawTask(random);
      const { name } = task.values;
      const signature = `${name}(${task.parameters.join(', ')})`;
      const what = fillTemplate(random.pick(task.wordings), task.values);
      return {
        kind: id,
        contentKey: joinContent(task.values),
        prompt: fillTemplate(random.pick(requests), { signature, what }),
        answer: `def ${signature}: return ${task.expression}`,
        weakAnswer: `It is called ${name}.`,
        check: {
          type: 'python',
          tests: task.calls.map(([call, result]) => `assert ${name}(${call}) == ${result}`),
        },
      };
    },
  };
}
