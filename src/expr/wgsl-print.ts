import { invariant } from '../core/errors';
import type { Expr, Op } from './expr';
import { randomNumber } from './random-bits';
import { countUses, dependsOnModel, foldsByLevel, usesAccumulator } from './wgsl-tree';

/** A function body: statements, then the value of the expression. */
export interface PrintedBody {
  readonly statements: readonly string[];
  readonly value: string;
}

/**
 * Prints an expression as the body of a WGSL function of `i`, the element's place in the slice, and
 * `k`, the model at hand. Folds become loops over `k`; folds that do not need each other share one.
 */
export function printBody(root: Expr): PrintedBody {
  const printer = new Printer(root);
  return { statements: printer.statements, value: printer.value };
}

class Printer {
  readonly statements: string[] = [];
  readonly value: string;
  readonly #useCounts: ReadonlyMap<Expr, number>;
  readonly #outerNames = new Set(takenNames);
  /** Of the loop at hand; the next loop may use them again. */
  #loopNames = new Set<string>();
  readonly #foldNames = new Map<Expr, string>();

  constructor(root: Expr) {
    this.#useCounts = countUses(root);
    const outer = new Scope(this.statements);
    for (const loop of foldsByLevel(root)) this.#printLoop(loop, outer);
    this.value = this.#text(root, outer);
  }

  #printLoop(folds: readonly Expr[], outer: Scope): void {
    this.#loopNames = new Set();
    const accumulators = folds.map((fold) => {
      const name = this.#unusedName(fold.name === '' ? 'total' : fold.name, outer);
      const [initial] = fold.args;
      invariant(initial, 'a fold has a start');
      outer.lines.push(`var ${name} = ${this.#text(initial, outer)};`);
      return name;
    });
    const inner = new Scope([], outer);
    const updates = folds.map((fold, index) => {
      const body = fold.args[1];
      invariant(body, 'a fold has a body');
      const name = accumulators[index] ?? '';
      const scope = new Scope(inner.lines, outer, inner.texts, name);
      return assignment(name, this.#text(body, scope));
    });
    outer.lines.push('for (var k = 0u; k < MODELS; k++) {');
    outer.lines.push(...[...inner.lines, ...updates].map((line) => `  ${line}`), '}');
    folds.forEach((fold, index) => this.#foldNames.set(fold, accumulators[index] ?? ''));
  }

  /** The text of a value, in parentheses where it stands among operators. */
  #text(expr: Expr, scope: Scope): string {
    if (expr.op === 'accumulator') {
      invariant(scope.accumulator !== '', 'an accumulator stands inside a fold');
      return scope.accumulator;
    }
    if (expr.op === 'fold') {
      const name = this.#foldNames.get(expr);
      invariant(name, 'a fold inside a fold sees nothing of the outer one');
      return name;
    }
    // What is the same for every model is computed before the loop.
    const home = scope.outer !== undefined && !dependsOnModel(expr) ? scope.outer : scope;
    const known = home.texts.get(expr);
    if (known !== undefined) return known;
    const text = this.#operation(expr, home);
    const isShared = (this.#useCounts.get(expr) ?? 0) > 1 && !isShort(expr);
    const isLabelled = expr.name !== '' && !readsName(expr);
    // Whatever holds an accumulator changes during the loop, so it is never kept.
    if ((!isShared && !isLabelled) || usesAccumulator(expr)) return text;
    const usual = expr.op === 'column' ? memberName(expr.name) : usualNames[expr.op];
    const wanted = isLabelled ? expr.name : (usual ?? 'value');
    const name = this.#unusedName(wanted, home);
    home.lines.push(`let ${name} = ${withoutParentheses(text)};`);
    home.texts.set(expr, name);
    return name;
  }

  #operation(expr: Expr, scope: Scope): string {
    const { op, type, value, name } = expr;
    const [a = '', b = '', c = ''] = expr.args.map((arg) => this.#text(arg, scope));
    const isBool = expr.args[0]?.type === 'bool';
    switch (op) {
      case 'base':
        return 'base(i)';
      case 'specialist':
        return 'specialist(k, i)';
      case 'specialistAt':
        return `specialist(${value}u, i)`;
      case 'perModel':
        return `params.${memberName(name)}[k]`;
      case 'column':
        return `${columnFunctionName(name)}(${value === 1 ? 'k' : '0u'}, i)`;
      case 'scalar':
        return `params.${memberName(name)}`;
      case 'constant':
        return literal(expr);
      case 'elementIndex':
        return '(params.firstElement + i)';
      case 'modelIndex':
        return 'k';
      case 'randomBits': {
        const first = randomNumber(value, 0);
        return `randomWord(params.firstElement + i, ${first === 0 ? 'k' : `${first}u + k`})`;
      }
      case 'negate':
        return `(-${a})`;
      case 'abs':
      case 'sign':
      case 'sqrt':
      case 'floor':
        return `${op}(${withoutParentheses(a)})`;
      case 'min':
      case 'max':
        return `${op}(${withoutParentheses(a)}, ${withoutParentheses(b)})`;
      case 'not':
        return `!${a}`;
      case 'toF32':
        return `f32(${withoutParentheses(a)})`;
      case 'bits':
        return `bitcast<u32>(${withoutParentheses(a)})`;
      case 'fromBits':
        return `bitcast<f32>(${withoutParentheses(a)})`;
      case 'shiftLeft':
        return `(${a} << ${value}u)`;
      case 'shiftRight':
        return `(${a} >> ${value}u)`;
      case 'select':
        return `select(${[c, b, a].map(withoutParentheses).join(', ')})`;
      case 'and':
      case 'or':
      case 'xor':
        return `(${a} ${(isBool ? boolOperators : operators)[op] ?? ''} ${b})`;
      case 'accumulator':
      case 'fold':
        throw new Error(`MergeLab bug: ${op} of ${type} has no text of its own`);
      default: {
        const operator = operators[op];
        invariant(operator, `WGSL has ${op}`);
        return `(${a} ${operator} ${b})`;
      }
    }
  }

  #unusedName(wanted: string, scope: Scope): string {
    const isTaken = (name: string): boolean =>
      this.#outerNames.has(name) || this.#loopNames.has(name);
    let name = wanted;
    for (let number = 2; isTaken(name); number++) name = `${wanted}${number}`;
    (scope.outer === undefined ? this.#outerNames : this.#loopNames).add(name);
    return name;
  }
}

/** Names that are known at one place, and the lines that stand there. */
class Scope {
  readonly lines: string[];
  readonly outer: Scope | undefined;
  readonly texts: Map<Expr, string>;
  readonly accumulator: string;

  constructor(lines: string[], outer?: Scope, texts = new Map<Expr, string>(), accumulator = '') {
    this.lines = lines;
    this.outer = outer;
    this.texts = texts;
    this.accumulator = accumulator;
  }
}

const operators: Partial<Record<Op, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
  and: '&',
  or: '|',
  xor: '^',
};

const boolOperators: Partial<Record<Op, string>> = { and: '&&', or: '||', xor: '!=' };

/** Names of the shader around, and of WGSL's functions. */
const takenNames =
  'i k params weights result columns base specialist element pcg4d randomWord abs sign sqrt floor min max select'.split(
    ' ',
  );

const usualNames: Partial<Record<Op, string>> = { base: 'b', specialist: 'w' };

/** `trim.bits` of the host is `trim_bits` in the shader. */
export function memberName(name: string): string {
  return name.replaceAll('.', '_');
}

/** The function that reads the column `name`. */
export function columnFunctionName(name: string): string {
  return `${memberName(name)}At`;
}

function literal({ type, value }: Expr): string {
  if (type === 'bool') return value === 1 ? 'true' : 'false';
  if (type === 'u32') return value > 0xffff ? `0x${value.toString(16)}u` : `${value}u`;
  invariant(Number.isFinite(value), 'WGSL has no literal for infinity or NaN');
  const text = Object.is(value, -0) ? '-0' : String(value);
  const number = /[.e]/.test(text) ? text : `${text}.0`;
  return value < 0 || text === '-0' ? `(${number})` : number;
}

/** `x = (x + term)` reads better as `x += term`. */
function assignment(name: string, text: string): string {
  const inside = withoutParentheses(text);
  return inside.startsWith(`${name} + `)
    ? `${name} += ${withoutParentheses(inside.slice(name.length + 3))};`
    : `${name} = ${inside};`;
}

/** Strips a pair of parentheses that encloses the whole text. */
export function withoutParentheses(text: string): string {
  if (!text.startsWith('(')) return text;
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '(') depth++;
    if (text[index] === ')') depth--;
    if (depth === 0) return index === text.length - 1 ? text.slice(1, -1) : text;
  }
  return text;
}

/** Whether the name says what is read, not how the value is called. */
function readsName({ op }: Expr): boolean {
  return op === 'scalar' || op === 'perModel' || op === 'column';
}

/** Texts that are no shorter as a name. */
function isShort({ op }: Expr): boolean {
  return op === 'constant' || op === 'scalar' || op === 'perModel' || op === 'modelIndex';
}
