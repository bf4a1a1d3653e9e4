/** One file of a repository. */
export interface HubFileEntry {
  readonly path: string;
  readonly sizeBytes: number;
  /** `sha256:<hex>` of the content, or `git:<oid>` (SHA-1 over git's header and the content). */
  readonly key: string;
}

/** Whether terms must be accepted first, and who grants access: at once, or a person later. */
export type HubGate = 'open' | 'auto' | 'manual';

/** What the Hub says of a model before a byte of weights is read. */
export interface HubListing {
  readonly repo: string;
  /** As it was asked for. */
  readonly revision: string;
  /** The commit that the revision stood for when it was asked. */
  readonly commit: string;
  readonly gate: HubGate;
  readonly gated: boolean;
  readonly isPrivate: boolean;
  readonly licence?: string;
  readonly parameterCount?: number;
  readonly baseModels: readonly string[];
  readonly tags: readonly string[];
  /** The page that shows the model and its terms to a person. */
  readonly page: string;
  /** Every file of the repository. */
  readonly files: readonly HubFileEntry[];
  /** What reading it costs: the files that a merge can need, weights in other formats left out. */
  readonly neededPaths: readonly string[];
  readonly neededBytes: number;
}

/** One answer to a search. */
export interface HubSearchResult {
  readonly repo: string;
  readonly gate: HubGate;
  readonly gated: boolean;
  readonly downloadCount: number;
  readonly likeCount: number;
  readonly licence?: string;
  readonly parameterCount?: number;
  /** Bytes of its safetensors files, from the parameters and their types. */
  readonly weightBytes?: number;
  readonly baseModels: readonly string[];
}

/** A listing whose files may still have to be asked for page by page. */
export type PartialListing = Omit<HubListing, 'files' | 'neededPaths' | 'neededBytes'> & {
  /** Undefined when the Hub left out sizes or hashes. */
  readonly files: readonly HubFileEntry[] | undefined;
};

/** Adds the files, and which of them are worth reading. */
export function completeListing(
  listing: PartialListing,
  files: readonly HubFileEntry[],
): HubListing {
  const needed = neededFiles(files);
  return {
    ...listing,
    files,
    neededPaths: needed.map(({ path }) => path),
    neededBytes: needed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

/** Texts beside the weights that loaders and mergers read. */
const textName =
  /\.(json|txt|jinja|md|model|tiktoken|vocab)$|^(LICENSE|LICENCE|NOTICE|USE_POLICY)/i;

/**
 * The files that a merge can need: the texts and the safetensors weights at the top of the folder.
 * Weights in other formats would double or triple the download. GGUF files stay only where there is
 * nothing else to read.
 */
export function neededFiles(files: readonly HubFileEntry[]): readonly HubFileEntry[] {
  const weights = files.filter(({ path }) => /^[^/]+\.safetensors$/.test(path));
  const isWhole = weights.some(({ path }) => path === 'model.safetensors');
  const hasIndex = files.some(({ path }) => path === 'model.safetensors.index.json');
  return files.filter(({ path }) => {
    if (path.startsWith('.')) return false;
    if (path.endsWith('.gguf')) return weights.length === 0 && !/(^|\/)\./.test(path);
    if (path.includes('/')) return false;
    if (!path.endsWith('.safetensors')) return textName.test(path);
    if (path === 'adapter_model.safetensors') return true;
    if (isWhole) return path === 'model.safetensors';
    // Some publishers add the same weights once more under the name that their own code reads.
    return !(hasIndex && path.startsWith('consolidated'));
  });
}
