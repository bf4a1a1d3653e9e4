import type { DenseMatrix } from './dense-matrix';

/**
 * Singular values below this share of the largest count as zero. Inputs are float32: what lies below
 * 64 units in the last place is their rounding, and its directions mean nothing.
 */
export const negligibleShare = 2 ** -18;

/** The leading part of a singular value decomposition, A ≈ Σ sᵢ·uᵢ·vᵢᵀ, largest first. */
export interface SingularTriples {
  /** The left singular vectors as rows: count × rows of A. */
  readonly left: DenseMatrix;
  readonly singularValues: Float64Array;
  /** The right singular vectors as rows: count × columns of A. */
  readonly right: DenseMatrix;
}

/** A quadratic loss of a matrix D, given by its gradient G(D) = G₀ + D·H, and how to go down on it. */
export interface Descent {
  /** G₀ */
  readonly gradient: DenseMatrix;
  /** H, symmetric. */
  readonly curvature: DenseMatrix;
  readonly stepCount: number;
  readonly learningRate: number;
}

/** Which of its operands a product transposes. */
export type Transposing = 'none' | 'left' | 'right';

/**
 * What the matrix methods need. Operands are finite; zero rows or columns are allowed. Every
 * operation hears an abort at least several times a second, unless it says otherwise, and rejects
 * with `signal.reason`.
 */
export interface LinearAlgebra {
  /** `float64`: the readable one that the others are tested against. */
  readonly id: 'float64' | 'wasm' | 'webgpu';
  /** a·b, aᵀ·b or a·bᵀ, in float32 at least. */
  multiply(a: DenseMatrix, b: DenseMatrix, transposing?: Transposing): Promise<DenseMatrix>;
  /**
   * The `count` largest singular triples, fewer when the others are negligible. Signs are arbitrary,
   * and so are bases within groups of equal singular values. Accuracy is that of float64 even where
   * products are float32: a cut between two close singular values must not depend on the device.
   */
  leadingTriples(a: DenseMatrix, count: number, signal?: AbortSignal): Promise<SingularTriples>;
  /**
   * The polar factor U·Vᵀ of A = U·S·Vᵀ: the nearest matrix with orthonormal rows or columns. Of a
   * matrix without full rank, the partial isometry: directions with a negligible singular value are
   * left out, where a plain SVD would fill in arbitrary ones.
   */
  polarFactor(a: DenseMatrix, signal?: AbortSignal): Promise<DenseMatrix>;
  /** D after `stepCount` steps of Adam (β 0.9 and 0.999, ε 1e-8, no decay) that begin at D = 0. */
  descend(descent: Descent, signal?: AbortSignal): Promise<DenseMatrix>;
}
