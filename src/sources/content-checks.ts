import type { LabError } from '../core/errors';
import { sha256Stream, type CreateHash } from '../formats/hashes';
import { sealStates, unsealStates, type CheckState, type SealedStates } from './check-state';
import { chunkCountOf, ContentCheck, type UnkeptFile } from './content-check';
import { expectedSha256 } from './hub/content-keys';

/** The checks of files that are read together and not stored. */
export class ContentChecks {
  readonly #createHash: CreateHash;
  readonly #checks = new Map<string, { readonly name: string; readonly check: ContentCheck }>();
  /** What an earlier visit found out of files that were not read yet in this one. */
  readonly #known = new Map<string, CheckState>();
  /** Files that were read on an earlier visit, of which nothing is known any more. */
  readonly #lost = new Set<string>();
  #isAllLost = false;
  #wrong: LabError | undefined;

  constructor(createHash: CreateHash = sha256Stream) {
    this.#createHash = createHash;
  }

  /** The first file that turned out not to be what its hash says. */
  get wrong(): LabError | undefined {
    return this.#wrong;
  }

  /**
   * The check of the file with a key, the same one for the same key; undefined when the key promises
   * no SHA-256.
   */
  of(key: string, file: Omit<UnkeptFile, 'sha256'>): ContentCheck | undefined {
    const sha256 = expectedSha256(key);
    if (sha256 === undefined) return undefined;
    const begun = this.#checks.get(key);
    if (begun !== undefined) return begun.check;
    const onWrong = (error: LabError): void => {
      this.#wrong ??= error;
    };
    const known = this.#takeKnown(key, file);
    const check = new ContentCheck({ ...file, sha256 }, this.#createHash, onWrong, known);
    this.#checks.set(key, { name: file.name, check });
    return check;
  }

  /**
   * Goes on from what `sealed` gave on an earlier visit. Where that is damaged or absent, files that
   * are read now count as unproven, for they were used before; unless they prove wrong.
   */
  async goOn(sealed: unknown): Promise<void> {
    // A run that goes on within a visit, such as after a lost device, has its checks still.
    if (this.#checks.size > 0) return;
    const states = await unsealStates(sealed);
    this.#isAllLost = states === undefined;
    for (const [key, state] of states ?? []) {
      if (state !== undefined && (await canGoOn(state))) this.#known.set(key, state);
      else this.#lost.add(key);
    }
  }

  /** All that is known of the files by now; it may be stored. */
  async sealed(): Promise<SealedStates | undefined> {
    if (this.#isAllLost) return undefined;
    const states = new Map<string, CheckState | undefined>(this.#known);
    for (const [key, { check }] of this.#checks) states.set(key, check.state);
    for (const key of this.#lost) states.set(key, undefined);
    return sealStates(states);
  }

  /**
   * Ends all checks.
   * @returns names of files that may be wrong for all that is known
   * @throws LabError `hub/wrong-hash`; as the sources
   */
  async finish(signal: AbortSignal | undefined): Promise<readonly string[]> {
    const unproven: string[] = [];
    for (const [key, { name, check }] of this.#checks) {
      const isProven = await check.finish(signal);
      const isLost = (this.#isAllLost || this.#lost.has(key)) && check.isUsed;
      if (!isProven || isLost) unproven.push(name);
    }
    for (const { name, sums, chunkCount, hashed } of this.#known.values()) {
      if (sums.size > 0 && hashed?.chunkCount !== chunkCount) unproven.push(name);
    }
    return unproven;
  }

  #takeKnown(key: string, file: Omit<UnkeptFile, 'sha256'>): CheckState | undefined {
    const known = this.#known.get(key);
    this.#known.delete(key);
    if (known === undefined) return undefined;
    const isSame = known.chunkBytes === file.chunkBytes && known.chunkCount === chunkCountOf(file);
    if (!isSame) this.#lost.add(key);
    return isSame ? known : undefined;
  }
}

/** Whether the hash takes its state back: it may be another version's. */
async function canGoOn({ hashed, chunkCount }: CheckState): Promise<boolean> {
  if (hashed === undefined || hashed.chunkCount === chunkCount) return true;
  try {
    await sha256Stream(hashed.state);
    return true;
  } catch {
    return false;
  }
}
