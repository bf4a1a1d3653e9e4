import { LabError } from '../core/errors';
import type { LongTask } from '../core/progress';
import { sha256Hex } from '../formats/hashes';
import { quoted } from '../formats/text';
import { fetchExactly, fetchUpTo, type Fetch } from './fetch-bytes';
import type { ModelFile, ModelFiles } from './model-files';
import { checkRange } from './read-range';
import { SharedBytes } from './shared-bytes';
import {
  parseZooManifest,
  type ZooFileRecord,
  type ZooManifest,
  type ZooModelRecord,
} from './zoo-manifest';

/** A model or two: whoever reads many models in turns puts a `CachedZoo` before the zoo. */
const memoryBudgetBytes = 24 << 20;
const maxItemsBytes = 16 << 20;
const maxManifestBytes = 1 << 20;

/** The bundled models and their held-out items, fetched from the site's own origin. */
export class Zoo {
  readonly manifest: ZooManifest;
  readonly #baseUrl: string;
  readonly #fetch: Fetch | undefined;
  readonly #memory = new SharedBytes(memoryBudgetBytes);

  /** @param baseUrl the folder of the manifest, with `/` at its end */
  constructor(manifest: ZooManifest, baseUrl: string, fetchIt?: Fetch) {
    this.manifest = manifest;
    this.#baseUrl = baseUrl;
    this.#fetch = fetchIt;
  }

  /**
   * Reads the manifest below `baseUrl`, an absolute address with `/` at its end.
   * @throws LabError `source/network`, `format/bad-index`
   */
  static async open(
    baseUrl: string,
    options: { readonly fetch?: Fetch | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Zoo> {
    const url = new URL('manifest.json', baseUrl).href;
    const bytes = await fetchUpTo(url, maxManifestBytes, options);
    return new Zoo(parseZooManifest(bytes), baseUrl, options.fetch);
  }

  /**
   * The folder of one model. A file is fetched whole at its first read and must have the hash that
   * the manifest states.
   * @throws LabError `recipe/missing-model` when the zoo has no such model
   */
  model(id: string): ModelFiles & { readonly record: ZooModelRecord } {
    const record = this.manifest.models.get(id);
    if (record === undefined) {
      const known = [...this.manifest.models.keys()].join(', ');
      throw new LabError(
        'recipe/missing-model',
        `The zoo has no model ${quoted(id)}; choose one of ${known}.`,
        { details: { model: id } },
      );
    }
    const folderUrl = new URL(`${record.path.replace(/\/$/, '')}/`, this.#baseUrl).href;
    const files = new Map<string, ModelFile>();
    for (const file of record.files) files.set(file.path, this.#file(file, folderUrl, id));
    return { label: id, files, record };
  }

  /**
   * The held-out items of a domain, one JSON object a line.
   * @throws LabError `source/missing-file`, `source/network`
   */
  async items(domain: string, task: Pick<LongTask, 'signal'> = {}): Promise<string> {
    const record = this.manifest.items.get(domain);
    if (record === undefined) {
      throw new LabError(
        'source/missing-file',
        `The zoo has no items for the domain ${quoted(domain)}; reload the page.`,
        { details: { domain } },
      );
    }
    const url = new URL(record.path, this.#baseUrl).href;
    const options = { fetch: this.#fetch, signal: task.signal };
    return new TextDecoder().decode(await fetchUpTo(url, maxItemsBytes, options));
  }

  /** Drops the fetched bytes; the next read fetches them again. */
  forget(): void {
    this.#memory.clear();
  }

  #file(record: ZooFileRecord, folderUrl: string, modelId: string): ModelFile {
    const url = new URL(record.path, folderUrl).href;
    const fetchWhole = async (signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> => {
      const bytes = await fetchExactly(url, record.sizeBytes, { fetch: this.#fetch, signal });
      const sha256 = await sha256Hex(bytes);
      if (sha256 === record.sha256) return bytes;
      throw new LabError(
        'source/network',
        `${url} does not have the bytes that the manifest promises; reload the page to get matching files.`,
        { details: { url, expectedSha256: record.sha256, sha256 } },
      );
    };
    return {
      path: record.path,
      sizeBytes: record.sizeBytes,
      read: async (offsetBytes, lengthBytes, signal) => {
        checkRange(`${modelId}/${record.path}`, record.sizeBytes, offsetBytes, lengthBytes);
        const bytes = await this.#memory.get(url, record.sizeBytes, fetchWhole, signal);
        return bytes.slice(offsetBytes, offsetBytes + lengthBytes);
      },
    };
  }
}
