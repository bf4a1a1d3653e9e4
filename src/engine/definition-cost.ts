import type { Expr } from '../expr/expr';
import { exprsOf } from '../expr/reduction';
import type { MethodDefinition, Pass } from '../methods/method';

/** What a definition asks for besides its inputs. */
export interface DefinitionCost {
  /** How often it goes through one tensor before the output, and how often through all of them. */
  readonly scans: { readonly tensor: number; readonly model: number };
  /**
   * Computed inputs: one value per element, one per element and specialist, and of the latter those
   * that are gone when the others are there.
   */
  readonly columns: {
    readonly shared: number;
    readonly perModel: number;
    readonly passing: number;
  };
  /** Slices must begin where rows begin. */
  readonly needsWholeRows: boolean;
  /** All specialists lie on the host as float32 matrices. */
  readonly needsMatrices: boolean;
}

const known = new WeakMap<MethodDefinition, DefinitionCost>();

/** Found once for every definition. */
export function definitionCost(definition: MethodDefinition): DefinitionCost {
  const before = known.get(definition);
  if (before !== undefined) return before;
  const { passes } = definition;
  const rankCount = passes.filter(({ kind }) => kind === 'rank').length;
  const cost: DefinitionCost = {
    scans: scansOf(passes),
    columns: {
      ...columnsOf([definition.output, ...passes.flatMap(exprsOfPass)]),
      passing: rankCount,
    },
    needsWholeRows: rankCount > 0,
    needsMatrices: passes.some((pass) => pass.kind === 'matrix'),
  };
  known.set(definition, cost);
  return cost;
}

function scansOf(passes: readonly Pass[]): DefinitionCost['scans'] {
  const lastModelPass = passes.findLastIndex((pass) => pass.scope === 'model');
  const counts = { tensor: 0, model: 0 };
  passes.forEach((pass, index) => {
    counts[index <= lastModelPass ? 'model' : 'tensor'] += scansOfPass(pass);
  });
  return counts;
}

function scansOfPass(pass: Pass): number {
  switch (pass.kind) {
    case 'reduce':
      return Object.keys(pass.reductions).length === 0 ? 0 : 1;
    case 'top':
      // A k-th magnitude takes three histograms.
      return 3;
    // They are made when a slice is opened anyway.
    case 'rank':
    case 'mergekitRandom':
      return 0;
    case 'rows':
    case 'vectors':
    case 'matrix':
    case 'mergekitSample':
      return 1;
  }
}

function exprsOfPass(pass: Pass): readonly Expr[] {
  switch (pass.kind) {
    case 'reduce':
      return Object.values(pass.reductions).flatMap(exprsOf);
    case 'rank':
      return [pass.of, pass.keeps];
    case 'top':
    case 'matrix':
    case 'mergekitSample':
      return [pass.of];
    case 'rows':
      return Object.values(pass.values);
    case 'vectors':
      return Object.values(pass.sums);
    case 'mergekitRandom':
      return [];
  }
}

function columnsOf(exprs: readonly Expr[]): Omit<DefinitionCost['columns'], 'passing'> {
  const names = { shared: new Set<string>(), perModel: new Set<string>() };
  const seen = new Set<Expr>();
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    if (expr.op === 'column') names[expr.value === 1 ? 'perModel' : 'shared'].add(expr.name);
    expr.args.forEach(visit);
  };
  exprs.forEach(visit);
  return { shared: names.shared.size, perModel: names.perModel.size };
}
