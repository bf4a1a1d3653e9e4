import type { Collection, PickedFolder, PlacedModel } from '../../rpc/lab';

/** Where the models of the bundled zoo lie. */
export function placesOfZoo({ base, specialists }: Collection): readonly PlacedModel[] {
  return [base, ...specialists].map(({ id }) => ({ id, place: { kind: 'zoo', id } }));
}

/** Where picked folders lie, under the names that recipes give them. */
export function placesOfFolders(folders: readonly PickedFolder[]): readonly PlacedModel[] {
  return folders.map((folder) => ({
    // In recipes these signs mean an adapter, a revision or a mapping.
    id: folder.name.replaceAll(/[+@{}]/gu, '-'),
    place: { kind: 'folder', ...folder },
  }));
}
