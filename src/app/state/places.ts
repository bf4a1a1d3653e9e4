import type { Collection, PlacedModel } from '../../rpc/lab';

/** Where the models of the bundled zoo lie. */
export function placesOfZoo({ base, specialists }: Collection): readonly PlacedModel[] {
  return [base, ...specialists].map(({ id }) => ({ id, place: { kind: 'zoo', id } }));
}
