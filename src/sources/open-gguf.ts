import { invariant, LabError } from '../core/errors';
import {
  ggufArchitectures,
  huggingFaceName,
  type GgufArchitecture,
} from '../formats/gguf-architectures';
import { decodeGgufBlocks } from '../formats/gguf-blocks';
import { configFromGguf } from '../formats/gguf-config';
import { GgufFields } from '../formats/gguf-fields';
import { parseGgufHeader, type GgufHeader, type GgufTensor } from '../formats/gguf-header';
import { isQuantised } from '../formats/gguf-types';
import { quoted, shownBytes } from '../formats/text';
import { GgufCheckpoint, type GgufSource } from './gguf-checkpoint';
import { memoryFiles } from './memory-files';
import type { ModelFile, ModelFiles } from './model-files';
import type { OpenCheckpoint } from './open-checkpoint';
import { missingFile } from './read-range';

/** Enough for a file without a vocabulary; a real header takes a few reads of twice the size. */
const firstReadBytes = 1 << 20;

/** A model with its files: those of a GGUF model have a `config.json` made from its metadata. */
export interface OpenedModel {
  readonly files: ModelFiles;
  readonly checkpoint: OpenCheckpoint;
}

/** A file of a model that is split into several. */
const shardPattern = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;

/**
 * The GGUF file of a folder, or all parts of one that is split, in order; none when there is no such
 * file.
 * @throws LabError `source/missing-file` when there are several models, or a part is missing
 */
export function ggufFilesOf(files: ModelFiles): readonly ModelFile[] {
  const found = [...files.files.values()].filter(({ path }) => /\.gguf$/i.test(path));
  const [first] = found;
  if (first === undefined) return [];
  const [, stem, , count] = shardPattern.exec(first.path) ?? [];
  if (stem === undefined || count === undefined) {
    if (found.length === 1) return found;
    const names = found.map(({ path }) => path).join(', ');
    throw new LabError(
      'source/missing-file',
      `The folder ${quoted(files.label)} holds several GGUF files (${names}); name the one to use.`,
      { details: { folder: files.label } },
    );
  }
  const parts: ModelFile[] = [];
  for (let part = 1; part <= Number(count); part++) {
    const path = `${stem}-${String(part).padStart(5, '0')}-of-${count}.gguf`;
    const file = files.files.get(path);
    if (file === undefined) throw missingFile(files.label, `part ${path}`);
    parts.push(file);
  }
  return parts;
}

/**
 * Opens a GGUF model: reads its header only, names the tensors as Hugging Face does and makes a
 * `config.json` from the metadata unless the folder has one.
 *
 * @param parts the file, or all parts in order
 * @throws LabError every code of `parseGgufHeader`; `model/unsupported` for a family or a tensor that is
 * not known; `format/bad-config`
 */
export async function openGguf(
  files: ModelFiles,
  parts: readonly ModelFile[],
  signal?: AbortSignal,
): Promise<OpenedModel> {
  const placed: { file: ModelFile; tensor: GgufTensor }[] = [];
  const headers: GgufHeader[] = [];
  for (const file of parts) {
    const header = await readGgufHeader(file, nameOf(files, file), signal);
    headers.push(header);
    for (const tensor of header.tensors.values()) placed.push({ file, tensor });
  }
  const [firstFile, firstHeader] = [parts[0], headers[0]];
  invariant(firstFile !== undefined && firstHeader !== undefined, 'a GGUF model has a file');
  const fileName = nameOf(files, firstFile);
  const tensors = new Map(placed.map(({ tensor }) => [tensor.name, tensor]));
  const header = { ...firstHeader, tensors };
  const architecture = architectureOf(header, fileName);
  checkParts(header, parts.length, placed.length, fileName);

  const rope = placed.find(({ tensor }) => tensor.name === 'rope_freqs.weight');
  const factors = rope === undefined ? undefined : await readRow(rope.file, rope.tensor, signal);
  const config = configFromGguf(header, architecture, factors, fileName);
  const sources = placed.flatMap(({ file, tensor }) =>
    sourceOf(file, tensor, architecture, config, fileName),
  );
  const notes = notesOn(files, [...tensors.values()]);
  const checkpoint = new GgufCheckpoint(files.label, sources, architecture, notes);
  const made = new Map([['config.json', `${JSON.stringify(config, null, 2)}\n`]]);
  const licence = new GgufFields(header.metadata, fileName).text('general.license');
  if (licence !== undefined && /^[\w.-]{1,64}$/.test(licence)) {
    made.set('README.md', `---\nlicense: ${licence}\n---\n`);
  }
  const all = new Map([...memoryFiles(files.label, made).files, ...files.files]);
  return { files: { ...files, files: all }, checkpoint };
}

/**
 * Reads and checks the header of one GGUF file.
 * @throws LabError as `parseGgufHeader`
 */
export async function readGgufHeader(
  file: ModelFile,
  fileName: string,
  signal?: AbortSignal,
): Promise<GgufHeader> {
  let sizeBytes = Math.min(firstReadBytes, file.sizeBytes);
  for (;;) {
    const prefix = await file.read(0, sizeBytes, signal);
    const result = parseGgufHeader(prefix, file.sizeBytes, fileName);
    if (result.kind === 'header') return result.header;
    invariant(result.endBytes > sizeBytes, 'the header parser asked for bytes that it had');
    sizeBytes = Math.min(file.sizeBytes, Math.max(result.endBytes, sizeBytes * 2));
  }
}

function nameOf(files: ModelFiles, file: ModelFile): string {
  return files.label === file.path ? file.path : `${files.label}/${file.path}`;
}

function architectureOf(header: GgufHeader, fileName: string): GgufArchitecture {
  const name = new GgufFields(header.metadata, fileName).text('general.architecture') ?? '';
  const known = ggufArchitectures.get(name);
  if (known !== undefined) return known;
  throw new LabError(
    'model/unsupported',
    `${fileName} holds a model of the family ${quoted(name)}, which cannot be read from GGUF; take its safetensors files, or a model of ${[...ggufArchitectures.keys()].join(', ')}.`,
    { details: { file: fileName, architecture: name.slice(0, 80) } },
  );
}

/** A part that was left out, or two that are one, would lose tensors without a word. */
function checkParts(
  header: GgufHeader,
  partCount: number,
  tensorCount: number,
  fileName: string,
): void {
  const fields = new GgufFields(header.metadata, fileName);
  const statedCount = fields.optionalInteger('split.count', 0, 2 ** 16) ?? 1;
  if (Math.max(1, statedCount) !== partCount) {
    throw new LabError(
      'source/missing-file',
      `${fileName} is one of ${String(statedCount)} parts, but ${String(partCount)} ${partCount === 1 ? 'was' : 'were'} found; put all parts in one folder and name the folder.`,
      { details: { file: fileName, partCount, statedCount } },
    );
  }
  const stated =
    partCount === 1 ? undefined : fields.optionalInteger('split.tensors.count', 0, 2 ** 31);
  if (header.tensors.size !== tensorCount || (stated ?? tensorCount) !== tensorCount) {
    throw new LabError(
      'format/bad-index',
      `The parts of ${fileName} hold ${String(header.tensors.size)} tensors and not ${String(stated ?? tensorCount)}; download all parts again.`,
      { details: { file: fileName, tensorCount: header.tensors.size } },
    );
  }
}

function sourceOf(
  file: ModelFile,
  stored: GgufTensor,
  architecture: GgufArchitecture,
  config: Readonly<Record<string, unknown>>,
  fileName: string,
): GgufSource[] {
  const name = huggingFaceName(stored.name, architecture);
  if (name === undefined) return [];
  if (name === null) {
    throw new LabError(
      'model/unsupported',
      `${fileName} has the tensor ${quoted(stored.name)}, which models of the family "${architecture.modelType}" do not have; take the model's safetensors files instead.`,
      { details: { file: fileName, tensor: stored.name } },
    );
  }
  const isNorm = name.endsWith('norm.weight');
  return [
    {
      name,
      stored,
      file,
      headCount: architecture.pairsRows ? headCountOf(name, stored, config, fileName) : undefined,
      offset: isNorm && architecture.addsOneToNorms ? 1 : 0,
    },
  ];
}

/** How many heads the rows of q or k belong to; undefined for other tensors. */
function headCountOf(
  name: string,
  { shape }: GgufTensor,
  config: Readonly<Record<string, unknown>>,
  fileName: string,
): number | undefined {
  const [, letter] = /\.self_attn\.([qk])_proj\.(weight|bias)$/.exec(name) ?? [];
  if (letter === undefined) return undefined;
  const key = letter === 'q' ? 'num_attention_heads' : 'num_key_value_heads';
  const headCount = Number(config[key]);
  const rowCount = shape[0] ?? 1;
  if (rowCount % (2 * headCount) === 0 && shape.length <= 2) return headCount;
  throw new LabError(
    'format/bad-header',
    `Tensor ${quoted(name)} in ${fileName} has ${String(rowCount)} rows, which are no pairs for ${String(headCount)} heads; download or convert the file again.`,
    { details: { file: fileName, tensor: name, rowCount, headCount } },
  );
}

async function readRow(
  file: ModelFile,
  { type, beginBytes, sizeBytes, elementCount }: GgufTensor,
  signal: AbortSignal | undefined,
): Promise<Float32Array | undefined> {
  // One for each pair of a head; anything longer is something else.
  if (elementCount > 4096) return undefined;
  const values = new Float32Array(elementCount);
  decodeGgufBlocks(type, await file.read(beginBytes, sizeBytes, signal), values);
  return values;
}

/** What a person should know of the weights and of what the file does not bring. */
function notesOn(files: ModelFiles, tensors: readonly GgufTensor[]): string[] {
  const label = quoted(files.label);
  const sizes = new Map<string, number>();
  for (const { type, sizeBytes } of tensors) {
    if (isQuantised(type)) sizes.set(type, (sizes.get(type) ?? 0) + sizeBytes);
  }
  const types = [...sizes]
    .sort(([, left], [, right]) => right - left)
    .map(([type, sizeBytes]) => `${type} (${shownBytes(sizeBytes)})`);
  const rounded = `${label} is quantised: its weights were rounded to ${types.join(', ')}, and the merge gets them widened to F32, rounding errors included; take the unquantised model where there is one.`;
  const plain = `${label} is a GGUF file whose weights are widened to F32 without loss.`;
  const bare = `${label} is a GGUF file without a tokenizer.json beside it; put the model's own there, or a merge that takes its tokenizer from it has none.`;
  return [sizes.size === 0 ? plain : rounded, ...(files.files.has('tokenizer.json') ? [] : [bare])];
}
