import { LabError } from '../../core/errors';
import { ProgressMeter, type LongTask } from '../../core/progress';
import { quoted } from '../../formats/text';
import type { ModelFile, ModelFiles } from '../model-files';
import { checkEndpoint, checkRepoId, modelPage, publicHub } from './addresses';
import { uploadFailed } from './upload-errors';

/** Read from the store and handed to the browser at a time; it keeps blobs of this size on disk. */
const pieceBytes = 8 << 20;

export interface PushOptions extends LongTask {
  /** As `HubClient`'s. */
  readonly endpoint?: string | undefined;
  /** With the right to write; used for this upload and kept nowhere. */
  readonly token: string;
  /** `organisation/name` or `person/name`; it must not exist yet unless `mayExist`. */
  readonly repo: string;
  /** Only its owners see it; the default. */
  readonly isPrivate?: boolean;
  /** Adds a commit to a repository that is there already. */
  readonly mayExist?: boolean;
  /** The first line of the commit. */
  readonly title?: string;
}

export interface Pushed {
  /** The page of the model. */
  readonly page: string;
  readonly commit: string;
}

/**
 * Uploads a model's files, its card among them, as one commit of a new repository. Nobody sees a part
 * of it: the commit comes last. An abort leaves an empty repository at most.
 *
 * The files become blobs first, which browsers keep on disk: it needs about the model's size of free
 * space there besides the stored model.
 *
 * @throws LabError `hub/exists`, `hub/gated` (the token may not write), `hub/rate-limited`,
 *   `hub/unavailable`, and what reading the files throws
 */
export async function pushModel(model: ModelFiles, options: PushOptions): Promise<Pushed> {
  const { token, signal, onProgress, title = 'Add a model merged by MergeLab' } = options;
  const endpoint = checkEndpoint(options.endpoint ?? publicHub);
  const repo = checkRepoId(options.repo);
  const place = { endpoint, repo };
  signal?.throwIfAborted();
  const { createRepo, uploadFilesWithProgress } = await import('@huggingface/hub');
  // The package's own check would quote nothing, but it throws a TypeError without a code.
  if (!/^hf_[\u0021-\u007e]+$/.test(token)) throw uploadFailed(place, 401);
  const files = await stageFiles(model, options);
  const designation = { type: 'model', name: repo } as const;
  try {
    await createRepo({
      repo: designation,
      accessToken: token,
      hubUrl: endpoint,
      visibility: options.isPrivate === false ? 'public' : 'private',
      fetch: async (input, init) => fetch(input, { ...init, ...(signal && { signal }) }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const status = statusOf(cause);
    if (status !== 409) throw uploadFailed(place, status);
    if (options.mayExist !== true) throw exists(endpoint, repo);
  }
  signal?.throwIfAborted();
  const sizes = new Map(files.map(({ path, content }) => [path, content.size]));
  const totalBytes = files.reduce((sum, { content }) => sum + content.size, 0);
  const hashing = new StepMeter(
    new ProgressMeter('Hashing', totalBytes, 'bytes', onProgress),
    sizes,
  );
  const sending = new StepMeter(
    new ProgressMeter('Uploading', totalBytes, 'bytes', onProgress),
    sizes,
  );
  try {
    const upload = uploadFilesWithProgress({
      repo: designation,
      files,
      accessToken: token,
      hubUrl: endpoint,
      commitTitle: title,
      ...(signal && { abortSignal: signal }),
    });
    for (;;) {
      const { done, value } = await upload.next();
      if (done === true) {
        if (value === undefined) throw uploadFailed(place, undefined);
        // Small files travel in the commit itself.
        for (const path of sizes.keys()) sending.reached(path, 1);
        return { page: modelPage(endpoint, repo), commit: value.commit.oid };
      }
      if (value.event !== 'fileProgress') continue;
      if (value.state === 'hashing') hashing.reached(value.path, value.progress);
      else if (value.state === 'uploading') sending.reached(value.path, value.progress);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    // The package's message names addresses that are signed for this upload.
    throw cause instanceof LabError ? cause : uploadFailed(place, statusOf(cause));
  }
}

interface StagedFile {
  readonly path: string;
  readonly content: Blob;
}

async function stageFiles(
  model: ModelFiles,
  { signal, onProgress }: LongTask,
): Promise<StagedFile[]> {
  const listed = [...model.files.values()];
  const totalBytes = listed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const meter = new ProgressMeter(`Reading ${model.label}`, totalBytes, 'bytes', onProgress);
  const staged: StagedFile[] = [];
  for (const file of listed) {
    staged.push({ path: file.path, content: await stageFile(file, meter, signal) });
  }
  return staged;
}

async function stageFile(
  file: ModelFile,
  meter: ProgressMeter,
  signal: AbortSignal | undefined,
): Promise<Blob> {
  const pieces: Blob[] = [];
  for (let offset = 0; offset < file.sizeBytes; offset += pieceBytes) {
    const lengthBytes = Math.min(pieceBytes, file.sizeBytes - offset);
    const bytes = await file.read(offset, lengthBytes, signal);
    // A view of shared memory cannot become a blob.
    const own = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
    pieces.push(new Blob([own as Uint8Array<ArrayBuffer>]));
    meter.advance(lengthBytes);
  }
  return new Blob(pieces);
}

/** Turns fractions by file into bytes of all files. */
class StepMeter {
  readonly #meter: ProgressMeter;
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #doneBytes = new Map<string, number>();

  constructor(meter: ProgressMeter, sizes: ReadonlyMap<string, number>) {
    this.#meter = meter;
    this.#sizes = sizes;
  }

  reached(path: string, fraction01: number): void {
    const before = this.#doneBytes.get(path) ?? 0;
    const now = Math.round((this.#sizes.get(path) ?? 0) * Math.min(1, fraction01));
    if (now <= before) return;
    this.#doneBytes.set(path, now);
    this.#meter.advance(now - before);
  }
}

function statusOf(cause: unknown): number | undefined {
  return cause instanceof Error && 'statusCode' in cause && typeof cause.statusCode === 'number'
    ? cause.statusCode
    : undefined;
}

function exists(endpoint: string, repo: string): LabError {
  return new LabError(
    'hub/exists',
    `The Hub already has a model ${quoted(repo)}; choose another name, or say that a new version may be added to it.`,
    { details: { endpoint, repo } },
  );
}
