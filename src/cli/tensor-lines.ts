import type { PlannedTensor } from '../engine/plan';

/** What a plan says of one tensor, as plain JSON. */
export interface TensorReport {
  readonly name: string;
  readonly kind: PlannedTensor['kind'];
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Where it comes from: the base first when `hasBase`. */
  readonly sources: readonly { readonly model: string; readonly tensor: string }[];
  readonly hasBase?: boolean;
  /** Switches, choices and numbers of the whole method. */
  readonly parameters?: Readonly<Record<string, number | boolean | string>>;
  /** Numbers of every model besides the base. */
  readonly modelParameters?: Readonly<Record<string, readonly number[]>>;
}

/** The effective parameters of a tensor: filters, gradients and precedence are worked out. */
export function tensorReport(tensor: PlannedTensor): TensorReport {
  const { name, kind, dtype, shape } = tensor;
  if (tensor.kind === 'copy') {
    const { model, name: stored } = tensor.source;
    return { name, kind, dtype, shape, sources: [{ model: model.id, tensor: stored }] };
  }
  const { sources, hasBase, options, numbers } = tensor;
  return {
    name,
    kind,
    dtype,
    shape,
    sources: sources.map((source) => ({ model: source.model.id, tensor: source.name })),
    hasBase,
    parameters: { ...options, ...numbers.scalars },
    modelParameters: numbers.perModel,
  };
}

/** One line: `NAME [SHAPE] DTYPE = base + a (weight 0.5) + b (weight 1); lambda 1`. */
export function tensorLine(tensor: PlannedTensor): string {
  const { name, dtype, shape, sources, hasBase, parameters, modelParameters } =
    tensorReport(tensor);
  const named = sources.map(({ model, tensor: source }, index) => {
    const place = index - (hasBase === true ? 1 : 0);
    const numbers = Object.entries(modelParameters ?? {}).flatMap(([parameter, values]) => {
      const value = values[place];
      return value === undefined ? [] : [`${parameter} ${shown(value)}`];
    });
    const renamed = source === name ? [] : [source];
    const details = [...renamed, ...numbers];
    return details.length === 0 ? model : `${model} (${details.join(', ')})`;
  });
  const settings = Object.entries(parameters ?? {}).map(
    ([parameter, value]) => `${parameter} ${shown(value)}`,
  );
  const tail = settings.length === 0 ? '' : `; ${settings.join(', ')}`;
  return `${name} [${shape.join(', ')}] ${dtype} = ${named.join(' + ')}${tail}`;
}

function shown(value: number | boolean | string): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(6))) : String(value);
}
