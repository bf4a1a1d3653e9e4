import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileContent, gitOidOf, sha256Of, type HubContent } from './content';

/** A model as the tests describe it. */
export interface HubTestModel {
  /** `org/name`. */
  readonly repo: string;
  readonly files: ReadonlyMap<string, HubContent>;
  /** Weights need a token of a user who accepted. */
  readonly gated?: false | 'auto' | 'manual';
  /** Nobody without a token hears of it. */
  readonly isPrivate?: boolean;
  readonly licence?: string;
  readonly tags?: readonly string[];
  /** Branches and tags besides `main`. */
  readonly revisions?: Readonly<Record<string, ReadonlyMap<string, HubContent>>>;
}

/** How the Hub lists one file. */
export interface ListedFile {
  readonly path: string;
  readonly content: HubContent;
  readonly gitOid: string;
  /** Set for files that the Hub keeps outside git, which is where it redirects. */
  readonly sha256?: string;
}

/** A repository with its branches. */
export class HubRepo {
  readonly id: string;
  readonly gated: false | 'auto' | 'manual';
  readonly isPrivate: boolean;
  readonly licence: string | undefined;
  readonly tags: readonly string[];
  /** By branch, tag or commit. */
  readonly #files = new Map<string, ReadonlyMap<string, HubContent>>();
  readonly #commits = new Map<string, string>();
  readonly #listed = new WeakMap<HubContent, Promise<Omit<ListedFile, 'path'>>>();

  constructor(model: HubTestModel) {
    this.id = model.repo;
    this.gated = model.gated ?? false;
    this.isPrivate = model.isPrivate ?? false;
    this.licence = model.licence;
    this.tags = model.tags ?? [];
    this.commit('main', model.files);
    for (const [name, files] of Object.entries(model.revisions ?? {})) this.commit(name, files);
  }

  /** Moves a branch to new files and returns the commit's name. */
  commit(branch: string, files: ReadonlyMap<string, HubContent>): string {
    const previous = this.#commits.get(branch) ?? '';
    const hash = createHash('sha1').update(`${this.id}\0${branch}\0${previous}`);
    for (const [path, { sizeBytes }] of files) hash.update(`\0${path}\0${sizeBytes}`);
    const commit = hash.digest('hex');
    this.#commits.set(branch, commit);
    this.#files.set(commit, files);
    return commit;
  }

  /** The full commit behind a branch, a tag or a commit. */
  commitOf(revision: string): string | undefined {
    return this.#files.has(revision) ? revision : this.#commits.get(revision);
  }

  filesAt(commit: string): ReadonlyMap<string, HubContent> {
    return this.#files.get(commit) ?? new Map<string, HubContent>();
  }

  async list(commit: string): Promise<ListedFile[]> {
    const listed: ListedFile[] = [];
    for (const [path, content] of this.filesAt(commit)) {
      listed.push(await this.describe(path, content));
    }
    return listed;
  }

  async describe(path: string, content: HubContent): Promise<ListedFile> {
    const known =
      this.#listed.get(content) ??
      (async () => {
        if (!isLargeFile(path, content.sizeBytes)) {
          return { content, gitOid: await gitOidOf(content) };
        }
        const sha256 = await sha256Of(content);
        const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${content.sizeBytes}\n`;
        const gitOid = createHash('sha1').update(`blob ${pointer.length}\0${pointer}`);
        return { content, sha256, gitOid: gitOid.digest('hex') };
      })();
    this.#listed.set(content, known);
    return { path, ...(await known) };
  }
}

/** What the Hub keeps outside git: weights by their name, and everything above 10 MB. */
export function isLargeFile(path: string, sizeBytes: number): boolean {
  return sizeBytes > 10e6 || /\.(safetensors|bin|gguf|onnx|onnx_data|model|pth)$/.test(path);
}

/** A folder on disk as a model. */
export async function modelFromFolder(
  folder: string,
  repo: string,
  rest: Omit<HubTestModel, 'repo' | 'files'> = {},
): Promise<HubTestModel> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, HubContent>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const absolute = join(entry.parentPath, entry.name);
    files.set(relative(folder, absolute).split(sep).join('/'), await fileContent(absolute));
  }
  return { repo, files, ...rest };
}

/**
 * Every model folder below `root`: `org/name` as it is, and `name` alone as `local/name`. A model
 * folder holds a `config.json`, an adapter's config or a GGUF file.
 */
export async function modelsBelow(root: string): Promise<HubTestModel[]> {
  const models: HubTestModel[] = [];
  for (const first of await foldersIn(root)) {
    if (await isModelFolder(join(root, first))) {
      models.push(await modelFromFolder(join(root, first), `local/${first}`));
      continue;
    }
    for (const second of await foldersIn(join(root, first))) {
      const folder = join(root, first, second);
      if (await isModelFolder(folder)) {
        models.push(await modelFromFolder(folder, `${first}/${second}`));
      }
    }
  }
  return models;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

async function isModelFolder(folder: string): Promise<boolean> {
  if (existsSync(join(folder, 'config.json'))) return true;
  if (existsSync(join(folder, 'adapter_config.json'))) return true;
  return (await readdir(folder)).some((name) => name.endsWith('.gguf'));
}
