import { mul } from '../expr/build';
import type { Expr } from '../expr/expr';

/** What to sum for a Gram matrix of `vectors`: the products of every pair, each named by `pairName`. */
export function pairProducts(
  vectors: readonly Expr<'f32'>[],
): Readonly<Record<string, Expr<'f32'>>> {
  const products: Record<string, Expr<'f32'>> = {};
  vectors.forEach((a, i) => {
    vectors.slice(i).forEach((b, j) => (products[pairName(i, i + j)] = mul(a, b)));
  });
  return products;
}

const pairName = (i: number, j: number): string => `dot${Math.min(i, j)}x${Math.max(i, j)}`;

/**
 * The dot products of every pair of some vectors x₀, x₁ …, and with them the geometry of all their
 * linear combinations, without another look at the elements. Each product of two elements is rounded
 * to float32 and the sum is float64, so a cosine is exact to 6e-8, and better for long vectors.
 */
export class GramMatrix {
  readonly size: number;
  readonly #rows: readonly (readonly number[])[];

  /** @param sums the sums over all elements of what `pairProducts` names */
  constructor(size: number, sums: Readonly<Record<string, number>>) {
    const places = Array.from({ length: size }, (_, i) => i);
    this.size = size;
    this.#rows = places.map((i) => places.map((j) => sums[pairName(i, j)] ?? 0));
  }

  /** ⟨xᵢ, xⱼ⟩ */
  dot(i: number, j: number): number {
    return this.#rows[i]?.[j] ?? 0;
  }

  /** ‖xᵢ‖ */
  norm(i: number): number {
    return Math.sqrt(this.dot(i, i));
  }

  norms(): number[] {
    return this.#rows.map((_, i) => this.norm(i));
  }

  /** ⟨xᵢ, Σ cⱼ·xⱼ⟩ */
  dotWith(i: number, coefficients: readonly number[]): number {
    return coefficients.reduce((sum, c, j) => sum + c * this.dot(i, j), 0);
  }

  /** ‖Σ cⱼ·xⱼ‖; rounding that would make it imaginary counts as zero. */
  normOf(coefficients: readonly number[]): number {
    const square = coefficients.reduce((sum, c, i) => sum + c * this.dotWith(i, coefficients), 0);
    return square < 0 ? 0 : Math.sqrt(square);
  }
}
