import type { Expr } from './expr';

/** Whether the value differs between specialists, outside the folds in it. */
export function dependsOnModel(expr: Expr): boolean {
  const ops = ['specialist', 'perModel', 'modelIndex', 'randomBits', 'accumulator'];
  return anyOutsideFolds(
    expr,
    ({ op, value }) => ops.includes(op) || (op === 'column' && value === 1),
  );
}

/** Whether the value holds what the fold around has so far. */
export function usesAccumulator(expr: Expr): boolean {
  return anyOutsideFolds(expr, ({ op }) => op === 'accumulator');
}

function anyOutsideFolds(root: Expr, test: (expr: Expr) => boolean): boolean {
  const seen = new Set<Expr>();
  const visit = (expr: Expr): boolean => {
    if (seen.has(expr)) return false;
    seen.add(expr);
    if (test(expr)) return true;
    return expr.op !== 'fold' && expr.args.some(visit);
  };
  return visit(root);
}

/** How often every node is an operand; the root counts once. */
export function countUses(root: Expr): ReadonlyMap<Expr, number> {
  const counts = new Map<Expr, number>([[root, 1]]);
  const visit = (expr: Expr): void => {
    for (const arg of expr.args) {
      const count = counts.get(arg) ?? 0;
      counts.set(arg, count + 1);
      if (count === 0) visit(arg);
    }
  };
  visit(root);
  return counts;
}

/** Folds grouped so that each group needs only results of groups before it. */
export function foldsByLevel(root: Expr): readonly (readonly Expr[])[] {
  const levels = new Map<Expr, number>();
  const groups: Expr[][] = [];
  const visit = (expr: Expr): number => {
    const known = levels.get(expr);
    if (known !== undefined) return known;
    let level = expr.args.reduce((highest, arg) => Math.max(highest, visit(arg)), 0);
    if (expr.op === 'fold') {
      groups[level] = [...(groups[level] ?? []), expr];
      level++;
    }
    levels.set(expr, level);
    return level;
  };
  visit(root);
  return groups;
}
