import { describe, expect, it } from 'vitest';
import {
  bits,
  bool,
  f32,
  mul,
  named,
  specialist,
  sub,
  sumOverModels,
} from '../../../src/expr/build';
import { printMap } from '../../../src/expr/wgsl-kernel';
import { printReduction } from '../../../src/expr/wgsl-reduction';
import { defineMethod, findMethod, methods } from '../../../src/methods/registry';

const layout = { hasBase: true, dtypes: ['BF16', 'BF16', 'BF16'] } as const;

function elementOf(wgsl: string): string {
  return /fn element[\s\S]*?\n}\n/.exec(wgsl)?.[0] ?? '';
}

describe('printed shaders', () => {
  it('read like the method', () => {
    const { output } = defineMethod(findMethod('task_arithmetic'));
    expect(elementOf(printMap(output, 'BF16', layout).wgsl)).toMatchInlineSnapshot(`
      "fn element(i: u32, k: u32) -> f32 {
        var sum = 0.0;
        let b = base(i);
        for (var k = 0u; k < MODELS; k++) {
          let taskVector = specialist(k, i) - b;
          sum += params.weight[k] * taskVector;
        }
        return b + (sum * params.lambda);
      }
      "
    `);
  });

  it('share work between folds, and lift out of loops what is the same for all models', () => {
    const { output } = defineMethod(findMethod('ties'));
    expect(elementOf(printMap(output, 'BF16', layout).wgsl)).toMatchInlineSnapshot(`
      "fn element(i: u32, k: u32) -> f32 {
        var vote = 0.0;
        let b = base(i);
        for (var k = 0u; k < MODELS; k++) {
          let taskVector = specialist(k, i) - b;
          let magnitude = min(bitcast<u32>(taskVector) & 0x7fffffffu, 0x7f800001u);
          let trimmed = taskVector * f32((magnitude > params.trim_bits[k]) || ((magnitude == params.trim_bits[k]) && ((params.firstElement + i) < params.trim_cut[k])));
          let weighted = params.weight[k] * trimmed;
          vote += weighted;
        }
        var sum = 0.0;
        var weightSum = 0.0;
        let elected = select(-1.0, 1.0, vote >= 0.0);
        for (var k = 0u; k < MODELS; k++) {
          let taskVector = specialist(k, i) - b;
          let magnitude = min(bitcast<u32>(taskVector) & 0x7fffffffu, 0x7f800001u);
          let trimmed = taskVector * f32((magnitude > params.trim_bits[k]) || ((magnitude == params.trim_bits[k]) && ((params.firstElement + i) < params.trim_cut[k])));
          let weighted = params.weight[k] * trimmed;
          let agrees = f32((weighted * elected) > 0.0);
          sum += weighted * agrees;
          weightSum += params.weight[k] * agrees;
        }
        return b + ((sum / select(weightSum, 1.0, weightSum == 0.0)) * params.lambda);
      }
      "
    `);
  });

  it.each(methods.map(({ id }) => id))('of %s say what they compute and bind', (id) => {
    const method = findMethod(id);
    const { wgsl } = printMap(
      defineMethod(method).output,
      'F16',
      { hasBase: method.base === 'required', dtypes: ['F16', 'BF16', 'F32'] },
      { label: id, formula: method.formula },
    );
    expect(wgsl).toContain(method.formula.split('\n')[0] ?? '');
    expect(wgsl.match(/@binding/g)).toHaveLength(wgsl.includes('columns[') ? 4 : 3);
    expect(wgsl).toContain('Dispatch:');
    expect(wgsl).toContain('@workgroup_size(256)');
    expect(wgsl).not.toMatch(/enable f16|undefined|\[object/);
  });

  it('do not let a name hide a function of WGSL or another value', () => {
    const clash = named('select', mul(named('i', sub(specialist, f32(1))), f32(2)));
    const text = elementOf(printMap(sumOverModels(clash), 'F32', layout).wgsl);
    expect(text).toContain('let i2 = ');
    expect(text).toContain('let select2 = ');
  });

  it('of a histogram keep every bin in range', () => {
    const { wgsl } = printReduction(
      { kind: 'histogram', bin: bits(specialist), when: bool(true), binCount: 64, perModel: true },
      layout,
    );
    expect(wgsl).toContain('min(binOf(i, k), 63u)');
  });
});
