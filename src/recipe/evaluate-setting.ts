import type { Gradient, ParameterValue, Setting, Settings } from './recipe';

/** Where a tensor stands in the slice it is written for. */
interface PlaceInSlice {
  /** From 0. */
  readonly index: number;
  /** Layers of the output slice. */
  readonly count: number;
}

/**
 * Where along a gradient a tensor reads, in [0, 1]: 0 for the first layer of its slice, 1 for the
 * last and for the only one. Tensors outside the layers (embedding, final norm, head) read at 0, as
 * in mergekit 0.1.4.
 */
export function gradientPosition(layer: PlaceInSlice | undefined): number {
  if (layer === undefined) return 0;
  return layer.count === 1 ? 1 : layer.index / (layer.count - 1);
}

/**
 * The value of a setting for one tensor, as mergekit 0.1.4 computes it in float64. `undefined` means
 * that no condition holds for this tensor, so the next lower level decides.
 *
 * A condition holds when its filter is part of the tensor's name: no pattern, and `layers.2` is part
 * of `layers.20` too. The first one that holds decides.
 *
 * @param position from `gradientPosition`
 */
export function evaluateSetting(
  setting: Setting,
  tensorName: string,
  position: number,
): ParameterValue | undefined {
  if (typeof setting !== 'object') return setting;
  if (isGradient(setting)) return interpolate(setting, position);
  const entry = setting.find(({ filter }) => filter === undefined || holds(filter, tensorName));
  if (entry === undefined) return undefined;
  return typeof entry.value === 'object' ? interpolate(entry.value, position) : entry.value;
}

/**
 * The first value that one of `levels` has for the parameter `name`, highest precedence first. For a
 * parameter of one model: its own settings, the slice's, the recipe's. For one of the whole method:
 * the slice's, the recipe's. `undefined` leaves it to the method's default.
 *
 * @param tensorName of the input model for a parameter of one model (its own layer number), of the
 * output for one of the whole method
 */
export function settingFor(
  levels: readonly (Settings | undefined)[],
  name: string,
  tensorName: string,
  position: number,
): ParameterValue | undefined {
  for (const settings of levels) {
    const setting =
      settings !== undefined && Object.hasOwn(settings, name) ? settings[name] : undefined;
    const value =
      setting === undefined ? undefined : evaluateSetting(setting, tensorName, position);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Whether a list holds values along the layers and not conditions. */
export function isGradient(setting: Setting): setting is Gradient {
  return Array.isArray(setting) && setting.every((entry) => typeof entry === 'number');
}

function holds(filter: string, tensorName: string): boolean {
  return filter === '*' || tensorName.includes(filter);
}

function interpolate(gradient: Gradient, position: number): number | undefined {
  const scaled = position * (gradient.length - 1);
  const index = Math.trunc(scaled);
  const fraction = scaled - index;
  const left = gradient[index];
  const right = gradient[Math.min(gradient.length - 1, index + 1)];
  if (left === undefined || right === undefined) return undefined;
  return (1 - fraction) * left + fraction * right;
}
