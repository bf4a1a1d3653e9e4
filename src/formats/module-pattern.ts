/** No module has a longer name; what is longer fits no pattern. */
const maxNameLength = 1024;
/** Of the compiled pattern: repetitions are written out. */
const maxStateCount = 2000;
const maxRepetitions = 256;

/** A pattern that a module's name is compared with. */
export interface ModulePattern {
  /** In time that grows with the lengths of name and pattern only. */
  matches(name: string): boolean;
}

type Test = (character: string) => boolean;

type Part =
  | { readonly kind: 'one'; readonly test: Test }
  | { readonly kind: 'at'; readonly place: 'begin' | 'end' }
  | { readonly kind: 'sequence'; readonly parts: readonly Part[] }
  | { readonly kind: 'choice'; readonly options: readonly Part[] }
  | { readonly kind: 'repeat'; readonly part: Part; readonly min: number; readonly max: number };

type State =
  | { readonly kind: 'one'; readonly test: Test; readonly next: number }
  | { readonly kind: 'at'; readonly place: 'begin' | 'end'; readonly next: number }
  | { readonly kind: 'split'; readonly nexts: number[] }
  | { readonly kind: 'accept' };

/**
 * Compiles the regular expression that PEFT makes of a key: the whole name, or the part of it behind
 * some dot, must fit. Such expressions come from files of unknown origin, and `RegExp` takes
 * exponential time for some, so all ways to fit are followed side by side (Thompson 1968). Groups,
 * choices, classes, repetitions, `.`, `^`, `$` and the escapes of one character are understood; looking
 * around and back-references are not.
 *
 * @returns undefined when the text is not such an expression, or too large a one
 */
export function compileModulePattern(text: string): ModulePattern | undefined {
  try {
    return new Automaton(new PatternReader(text).read());
  } catch (error) {
    if (error instanceof NotAPattern) return undefined;
    throw error;
  }
}

class NotAPattern extends Error {}

class Automaton implements ModulePattern {
  readonly #states: State[] = [];
  readonly #start: number;

  constructor(pattern: Part) {
    const anything: Part = { kind: 'one', test: (character) => character !== '\n' };
    const dot: Part = { kind: 'one', test: (character) => character === '.' };
    const lead: Part = {
      kind: 'sequence',
      parts: [{ kind: 'repeat', part: anything, min: 0, max: Infinity }, dot],
    };
    const whole: Part = {
      kind: 'sequence',
      parts: [{ kind: 'repeat', part: lead, min: 0, max: 1 }, pattern],
    };
    this.#start = this.#build(whole, this.#add({ kind: 'accept' }));
  }

  matches(name: string): boolean {
    if (name.length > maxNameLength) return false;
    let reached = this.#closure([this.#start], 0, name.length);
    for (let at = 0; at < name.length; at++) {
      const next: number[] = [];
      for (const index of reached) {
        const state = this.#states[index];
        if (state?.kind === 'one' && state.test(name.charAt(at))) next.push(state.next);
      }
      reached = this.#closure(next, at + 1, name.length);
    }
    return [...reached].some((index) => this.#states[index]?.kind === 'accept');
  }

  /** The states that are reached without reading a character. */
  #closure(from: readonly number[], at: number, length: number): ReadonlySet<number> {
    const reached = new Set<number>();
    const open = [...from];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (reached.has(index)) continue;
      reached.add(index);
      const state = this.#states[index];
      if (state?.kind === 'split') open.push(...state.nexts);
      if (state?.kind === 'at' && at === (state.place === 'begin' ? 0 : length)) {
        open.push(state.next);
      }
    }
    return reached;
  }

  /** Adds the states of a part that goes on at `next`. @returns where it begins */
  #build(part: Part, next: number): number {
    switch (part.kind) {
      case 'one':
      case 'at':
        return this.#add({ ...part, next });
      case 'sequence':
        return part.parts.reduceRight((after, inner) => this.#build(inner, after), next);
      case 'choice':
        return this.#add({
          kind: 'split',
          nexts: part.options.map((option) => this.#build(option, next)),
        });
      case 'repeat':
        return this.#buildRepeat(part, next);
    }
  }

  #buildRepeat({ part, min, max }: Extract<Part, { kind: 'repeat' }>, next: number): number {
    let begin = next;
    if (max === Infinity) {
      const nexts = [next];
      begin = this.#add({ kind: 'split', nexts });
      nexts.push(this.#build(part, begin));
    } else {
      for (let count = min; count < max; count++) {
        begin = this.#add({ kind: 'split', nexts: [this.#build(part, begin), next] });
      }
    }
    for (let count = 0; count < min; count++) begin = this.#build(part, begin);
    return begin;
  }

  #add(state: State): number {
    if (this.#states.length >= maxStateCount) throw new NotAPattern();
    return this.#states.push(state) - 1;
  }
}

/** Reads an expression from left to right. */
class PatternReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Part {
    const pattern = this.#choice();
    if (this.#at < this.#text.length) throw new NotAPattern();
    return pattern;
  }

  #choice(): Part {
    const options = [this.#sequence()];
    while (this.#takes('|')) options.push(this.#sequence());
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: 'choice', options };
  }

  #sequence(): Part {
    const parts: Part[] = [];
    while (this.#at < this.#text.length && !'|)'.includes(this.#peek())) {
      parts.push(this.#repeated(this.#atom()));
    }
    return { kind: 'sequence', parts };
  }

  #repeated(part: Part): Part {
    const [low, high] = this.#quantifier() ?? [];
    if (low === undefined || high === undefined) return part;
    // Whether it takes as little or as much as it can does not change whether the whole fits.
    this.#takes('?');
    if (part.kind === 'at' || this.#quantifier() !== undefined) throw new NotAPattern();
    return { kind: 'repeat', part, min: low, max: high };
  }

  #quantifier(): [number, number] | undefined {
    if (this.#takes('*')) return [0, Infinity];
    if (this.#takes('+')) return [1, Infinity];
    if (this.#takes('?')) return [0, 1];
    const [all, low, comma, high] = /^\{(\d{1,3})(,?)(\d{0,3})\}/.exec(this.#rest()) ?? [];
    if (all === undefined || low === undefined) return undefined;
    this.#at += all.length;
    const min = Number(low);
    const open = comma === '' ? min : Infinity;
    const max = high === undefined || high === '' ? open : Number(high);
    if (min > maxRepetitions || max < min || (max > maxRepetitions && max !== Infinity)) {
      throw new NotAPattern();
    }
    return [min, max];
  }

  #atom(): Part {
    const character = this.#next();
    switch (character) {
      case '^':
        return { kind: 'at', place: 'begin' };
      case '$':
        return { kind: 'at', place: 'end' };
      case '.':
        return { kind: 'one', test: (other) => other !== '\n' };
      case '[':
        return { kind: 'one', test: this.#characterClass() };
      case '\\':
        return { kind: 'one', test: this.#escape() };
      case '(': {
        if (this.#takes('?') && !this.#takes(':')) throw new NotAPattern();
        const group = this.#choice();
        if (!this.#takes(')')) throw new NotAPattern();
        return group;
      }
      case '*':
      case '+':
      case '?':
      case '{':
        throw new NotAPattern();
      default:
        return { kind: 'one', test: (other) => other === character };
    }
  }

  #characterClass(): Test {
    const isNegated = this.#takes('^');
    const tests: Test[] = [];
    // A bracket that closes nothing stands for itself in first place.
    do {
      const first = this.#next();
      const test = first === '\\' ? this.#escape() : sameAs(first);
      const isRange = first !== '\\' && /^-[^\]\\]/.test(this.#rest());
      if (!isRange) {
        tests.push(test);
        continue;
      }
      this.#at += 1;
      const last = this.#next();
      if (last < first) throw new NotAPattern();
      tests.push((other) => other >= first && other <= last);
    } while (!this.#takes(']'));
    return (other) => tests.some((test) => test(other)) !== isNegated;
  }

  #escape(): Test {
    const letter = this.#next();
    switch (letter) {
      case 'd':
        return (other) => /\d/.test(other);
      case 'D':
        return (other) => /\D/.test(other);
      case 'w':
        return (other) => /\w/.test(other);
      case 'W':
        return (other) => /\W/.test(other);
      default:
        // Other letters and digits have meanings that names of modules have no use for.
        if (/[a-z0-9]/i.test(letter)) throw new NotAPattern();
        return sameAs(letter);
    }
  }

  #takes(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }

  #next(): string {
    const character = this.#peek();
    if (character === '') throw new NotAPattern();
    this.#at += 1;
    return character;
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #rest(): string {
    return this.#text.slice(this.#at);
  }
}

function sameAs(character: string): Test {
  return (other) => other === character;
}
