import type { Expr } from '../../expr/expr';
import type { MergeMethod, MethodDefinition } from '../../methods/method';
import { defineMethod, methods } from '../../methods/registry';
import type { MethodText } from './method-text';

/** Runs when the page is built (tools/vite/method-texts.ts); the page itself imports the result. */
export const methodTexts: readonly MethodText[] = methods.map(textOf);

function textOf(method: MergeMethod): MethodText {
  const { id, title, family, idea, formula, tex, tryThis, source } = method;
  const { base, specialistCount, parameters, isAverage = false } = method;
  return {
    ...{ id, title, family, idea, formula, tex, tryThis, source },
    ...{ base, specialistCount, parameters, isAverage },
    drawsAtRandom: drawsAtRandom(defineMethod(method)),
  };
}

function drawsAtRandom({ passes, output }: MethodDefinition): boolean {
  const seen = new Set<Expr>();
  return hasRandomBits(output, seen) || passes.some((pass) => pass.kind === 'mergekitRandom');
}

function hasRandomBits(node: Expr, seen: Set<Expr>): boolean {
  if (node.op === 'randomBits') return true;
  if (seen.has(node)) return false;
  seen.add(node);
  return node.args.some((arg) => hasRandomBits(arg, seen));
}
