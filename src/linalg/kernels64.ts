import { WasmCode } from '../expr/wasm-code';

// Float64 kernels on rows that begin at multiples of `stride` bytes. Rows are worked on eight elements
// at a time, so their length is a multiple of that, filled up with zeros. Parameters are addresses and
// numbers of bytes; an `End` is exclusive.

/** Elements of one turn of the innermost loops. */
export const turnElements = 8;
const turnBytes = 8 * turnElements;
const vectorOffsets = [0, 16, 32, 48] as const;

/** A function body and how many parameters it has, all i32. */
export interface Kernel64 {
  readonly code: WasmCode;
  readonly parameterCount: number;
}

/** Rows of `b` by which `productKernel` goes on. */
export const productRows = 4;

/**
 * `run(a, aEnd, b, bEnd, out, outStride, stride)`: the products of every row of a with every row of
 * b. Rows of a come in pairs, rows of b in fours.
 */
export function productKernel(): Kernel64 {
  const [a, aEnd, b, bEnd, out, outStride, stride] = [0, 1, 2, 3, 4, 5, 6] as const;
  const code = new WasmCode(7);
  const pointers = Array.from({ length: 2 }, () => code.local('i32')) as [number, number];
  const others = Array.from({ length: productRows }, () => code.local('i32'));
  const [end, from, to] = [code.local('i32'), code.local('i32'), code.local('i32')];
  const values = pointers.map(() => code.local('v128'));
  const other = code.local('v128');
  const sums = pointers.map(() => others.map(() => code.local('v128')));

  code.whileBelow(a, aEnd, () => {
    code.get(b).set(from).get(out).set(to);
    code.get(a).get(stride).op('i32Add').set(end);
    code.whileBelow(from, bEnd, () => {
      code.get(a).set(pointers[0]).get(end).set(pointers[1]);
      let row = from;
      for (const pointer of others) {
        code.get(row);
        if (row !== from) code.get(stride).op('i32Add');
        code.set(pointer);
        row = pointer;
      }
      for (const sum of sums.flat()) code.v128([0, 0, 0, 0]).set(sum);
      code.whileBelow(pointers[0], end, () => {
        for (const offset of vectorOffsets) {
          values.forEach((value, i) =>
            code
              .get(pointers[i] ?? 0)
              .v128Load(offset)
              .set(value),
          );
          others.forEach((pointer, j) => {
            code.get(pointer).v128Load(offset).set(other);
            values.forEach((value, i) => {
              const sum = sums[i]?.[j] ?? 0;
              code.get(sum).get(value).get(other).vec('f64x2Mul').vec('f64x2Add').set(sum);
            });
          });
        }
        for (const pointer of [...pointers, ...others]) advance(code, pointer, turnBytes);
      });
      sums.forEach((row, i) => {
        row.forEach((sum, j) => {
          code.get(to);
          if (i === 1) code.get(outStride).op('i32Add');
          code.get(sum).f64x2ExtractLane(0).get(sum).f64x2ExtractLane(1).op('f64Add');
          code.f64Store(8 * j);
        });
      });
      // Every pointer now stands at the row after its own.
      code.get(others.at(-1) ?? 0).set(from);
      advance(code, to, 8 * productRows);
    });
    code.get(pointers[1]).set(a);
    code.get(out).get(outStride).op('i32Add').get(outStride).op('i32Add').set(out);
  });
  return { code, parameterCount: 7 };
}

/** Rows that `reflectionKernel` works on together. */
export const reflectedRows = 4;

/**
 * `run(rows, rowsEnd, stride, v, vEnd, factor)`: subtracts factor·(row·v)·v from every row, where the
 * factor is a float64 in memory. Rows come in fours.
 */
export function reflectionKernel(): Kernel64 {
  const [rows, rowsEnd, stride, v, vEnd, factor] = [0, 1, 2, 3, 4, 5] as const;
  const code = new WasmCode(6);
  const pointers = Array.from({ length: reflectedRows }, () => code.local('i32'));
  const sums = pointers.map(() => code.local('v128'));
  const [at, value] = [code.local('i32'), code.local('v128')];
  const toStart = (): void => {
    let row: number = rows;
    for (const pointer of pointers) {
      code.get(row);
      if (row !== rows) code.get(stride).op('i32Add');
      code.set(pointer);
      row = pointer;
    }
    code.get(v).set(at);
  };
  const alongRows = (visit: (pointer: number, sum: number, offset: number) => void): void => {
    code.whileBelow(at, vEnd, () => {
      for (const offset of vectorOffsets) {
        code.get(at).v128Load(offset).set(value);
        pointers.forEach((pointer, i) => {
          visit(pointer, sums[i] ?? 0, offset);
        });
      }
      for (const pointer of [...pointers, at]) advance(code, pointer, turnBytes);
    });
  };

  code.whileBelow(rows, rowsEnd, () => {
    for (const sum of sums) code.v128([0, 0, 0, 0]).set(sum);
    toStart();
    alongRows((pointer, sum, offset) => {
      code.get(sum).get(pointer).v128Load(offset).get(value);
      code.vec('f64x2Mul').vec('f64x2Add').set(sum);
    });
    for (const sum of sums) {
      code.get(sum).get(sum).get(sum).shuffleWords([2, 3, 0, 1]).vec('f64x2Add');
      code.get(factor).v128Load64Splat(0).vec('f64x2Mul').set(sum);
    }
    toStart();
    alongRows((pointer, sum, offset) => {
      code.get(pointer).get(pointer).v128Load(offset);
      code.get(sum).get(value).vec('f64x2Mul').vec('f64x2Sub').v128Store(offset);
    });
    code.get(pointers.at(-1) ?? 0).set(rows);
    // It stands at the end of v in the last row.
    code.get(rows).get(v).op('i32Add').get(vEnd).op('i32Sub').get(stride).op('i32Add').set(rows);
  });
  return { code, parameterCount: 6 };
}

/** Bytes of one entry of `rotationKernel`'s list: sine, cosine, and the upper row's place as i32. */
export const rotationBytes = 24;

/**
 * `run(list, listEnd, base, stride, length)`: turns pairs of neighbouring rows, one after the other,
 * in `length` bytes of columns from `base` on: (upper, lower) becomes (c·upper − s·lower,
 * s·upper + c·lower).
 */
export function rotationKernel(): Kernel64 {
  const [list, listEnd, base, stride, length] = [0, 1, 2, 3, 4] as const;
  const code = new WasmCode(5);
  const [upper, lower, end] = [code.local('i32'), code.local('i32'), code.local('i32')];
  const [sine, cosine] = [code.local('v128'), code.local('v128')];
  const [x, y] = [code.local('v128'), code.local('v128')];

  code.whileBelow(list, listEnd, () => {
    code.get(list).v128Load64Splat(0).set(sine);
    code.get(list).v128Load64Splat(8).set(cosine);
    code.get(base).get(list).i32Load(16).op('i32Add').tee(upper);
    code.get(stride).op('i32Add').set(lower);
    code.get(upper).get(length).op('i32Add').set(end);
    code.whileBelow(upper, end, () => {
      for (const offset of vectorOffsets) {
        code.get(lower).v128Load(offset).set(x).get(upper).v128Load(offset).set(y);
        code.get(lower).get(sine).get(y).vec('f64x2Mul');
        code.get(cosine).get(x).vec('f64x2Mul').vec('f64x2Add').v128Store(offset);
        code.get(upper).get(cosine).get(y).vec('f64x2Mul');
        code.get(sine).get(x).vec('f64x2Mul').vec('f64x2Sub').v128Store(offset);
      }
      advance(code, upper, turnBytes);
      advance(code, lower, turnBytes);
    });
    advance(code, list, rotationBytes);
  });
  return { code, parameterCount: 5 };
}

function advance(code: WasmCode, pointer: number, bytes: number): void {
  code.get(pointer).i32(bytes).op('i32Add').set(pointer);
}
