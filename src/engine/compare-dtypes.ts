import { isFloatDtype, type Dtype } from '../core/dtype';
import { quoted } from '../formats/text';
import type { Finding } from './finding';
import type { ModelInput } from './model-input';

/** A note when the models are stored in different numbers. */
export function compareDtypes(models: readonly ModelInput[]): Finding[] {
  // A model that was widened as it is read has a note of its own.
  const stored = models.filter(({ checkpoint: { notes = [] } }) => notes.length === 0);
  const dtypes = new Map(stored.map((model) => [model.id, mainDtypeOf(model)]));
  if (new Set(dtypes.values()).size < 2) return [];
  const shown = [...dtypes].map(
    ([id, dtype]) => `${quoted(id)} is stored in ${dtype ?? 'nothing'}`,
  );
  return [
    {
      severity: 'note',
      code: 'format/bad-dtype',
      sentence: `${shown.join(', ')}; the merge is computed in F32, and out_dtype says in what it is written.`,
      models: [...dtypes.keys()],
    },
  ];
}

/** What readers say of the weights that they found, such as how they were rounded. */
export function noteFindings(models: readonly ModelInput[]): Finding[] {
  return models.flatMap(({ id, checkpoint }) =>
    (checkpoint.notes ?? []).map((sentence): Finding => {
      return { severity: 'note', code: 'format/bad-dtype', sentence, models: [id] };
    }),
  );
}

/** The element type that takes up most of a model's bytes. */
function mainDtypeOf(model: ModelInput): Dtype | undefined {
  const bytesOf = new Map<Dtype, number>();
  for (const { dtype, sizeBytes } of model.checkpoint.tensors.values()) {
    if (isFloatDtype(dtype)) bytesOf.set(dtype, (bytesOf.get(dtype) ?? 0) + sizeBytes);
  }
  return [...bytesOf].sort(([, left], [, right]) => right - left)[0]?.[0];
}
