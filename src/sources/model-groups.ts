import { indexFileName } from '../formats/safetensors-index';

/** Of files that are a model by themselves. */
const bareWeights = /(?:\.safetensors|(?:-\d{5}-of-\d{5})?\.gguf)$/;
/** Of the parts of one model that is split. */
const partSuffix = /-\d{5}-of-\d{5}\.gguf$/;
const adapterConfigName = 'adapter_config.json';
const adapterWeightsName = 'adapter_model.safetensors';
/** Files that make their folder one model or one adapter. */
const rootMarkers = new Set([
  'config.json',
  'model.safetensors',
  indexFileName,
  adapterConfigName,
  adapterWeightsName,
]);

/** Something with a path below what a person picked. */
export interface Placed {
  /** With `/` between parts. */
  readonly path: string;
}

/** What belongs to one model, adapter or file of bare weights. */
export interface ModelGroup<File extends Placed> {
  /** The last part of the folder's name, or the file's name without its suffix. */
  readonly name: string;
  /** The files and their paths below the model's folder. */
  readonly members: readonly { readonly path: string; readonly file: File }[];
}

/**
 * Finds the models among files: each folder with a `config.json`, an index, `model.safetensors` or an
 * adapter, with everything below it that is in no deeper such folder; and each safetensors or GGUF
 * file that lies in none, which is a model without a config. Hidden files below a model's folder are left out.
 *
 * @param pickedName names a folder whose files carry no path
 */
export function groupModels<File extends Placed>(
  files: readonly File[],
  pickedName: string,
): readonly ModelGroup<File>[] {
  const roots = new Set(
    files.flatMap(({ path }) => (rootMarkers.has(nameOf(path)) ? [folderOf(path)] : [])),
  );
  const groups = new Map<string, { name: string; members: { path: string; file: File }[] }>();
  for (const file of files) {
    const root = nearestRoot(folderOf(file.path), roots);
    const isBare = root === undefined && bareWeights.test(file.path);
    if (root === undefined && !isBare) continue;
    const path = file.path.slice(isBare ? folderOf(file.path).length : (root?.length ?? 0));
    if (path.split('/').some((part) => part.startsWith('.'))) continue;
    const key = isBare ? file.path.replace(partSuffix, '.gguf') : (root ?? '');
    const name = isBare ? path.replace(bareWeights, '') : (key.split('/').at(-2) ?? pickedName);
    const group = groups.get(key) ?? { name, members: [] };
    groups.set(key, group);
    group.members.push({ path, file });
  }
  return [...groups.values()];
}

/** Whether files of these names are a PEFT adapter and no model of its own. */
export function isAdapter(paths: Iterable<string>): boolean {
  const names = new Set(paths);
  const isWhole = names.has('model.safetensors') || names.has(indexFileName);
  return !isWhole && (names.has(adapterConfigName) || names.has(adapterWeightsName));
}

/** The path up to its last slash, which stays; empty for a bare name. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function nearestRoot(folder: string, roots: ReadonlySet<string>): string | undefined {
  for (let path = folder; ; path = folderOf(path.slice(0, -1))) {
    if (roots.has(path)) return path;
    if (path === '') return undefined;
  }
}
