import { Random } from '../core/random';

/** How the next token is chosen; temperature 0 takes the most likely one. */
export interface SamplingOptions {
  /** At least 0. */
  readonly temperature: number;
  /** In (0, 1]: tokens outside the smallest set with this probability are left out. */
  readonly topP: number;
  readonly seed: number;
}

/**
 * Draws tokens with temperature and nucleus sampling (Holtzman et al. 2019, arXiv 1904.09751), the
 * same for the same seed. transformers.js draws from one global generator, which completions that
 * run side by side would share.
 */
export class TokenSampler {
  readonly #options: SamplingOptions;
  readonly #random: Random;

  constructor(options: SamplingOptions) {
    this.#options = options;
    this.#random = Random.named(options.seed, 'token-sampler');
  }

  /** The index drawn from one row of finite logits. */
  draw(logits: Float32Array): number {
    const { temperature, topP } = this.#options;
    const order = Array.from(logits.keys()).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0));
    const [first = 0] = order;
    if (temperature === 0) return first;
    const highest = logits[first] ?? 0;
    const weights = order.map((token) => Math.exp(((logits[token] ?? 0) - highest) / temperature));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const kept = countUntil(weights, topP * total);
    const keptTotal = weights.slice(0, kept).reduce((sum, weight) => sum + weight, 0);
    const drawn = countUntil(weights, this.#random.next01() * keptTotal);
    return order[Math.min(drawn, kept) - 1] ?? first;
  }
}

/** How many leading weights it takes to reach `target`; at least one. */
function countUntil(weights: readonly number[], target: number): number {
  let sum = 0;
  for (const [index, weight] of weights.entries()) {
    sum += weight;
    if (sum >= target) return index + 1;
  }
  return weights.length;
}
