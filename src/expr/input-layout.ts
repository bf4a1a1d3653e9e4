import type { FloatDtype } from '../core/dtype';
import type { SliceInputs } from './backend';
import { modelsOf } from './check-inputs';

/** dtypes of a slice's inputs: the base first, if there is one, then the specialists. */
export interface InputLayout {
  readonly hasBase: boolean;
  readonly dtypes: readonly FloatDtype[];
}

export function layoutOf(inputs: SliceInputs): InputLayout {
  return {
    hasBase: inputs.base !== undefined,
    dtypes: modelsOf(inputs).map(({ dtype }) => dtype),
  };
}

export function specialistCountOf(layout: InputLayout): number {
  return layout.dtypes.length - (layout.hasBase ? 1 : 0);
}

/** Equal for equal layouts. */
export function layoutText({ hasBase, dtypes }: InputLayout): string {
  return `${hasBase ? 'base' : 'none'} ${dtypes.join()}`;
}
