import type { LabError } from '../core/errors';
import { sha256Stream, type CreateHash } from '../formats/hashes';
import { ContentCheck, type UnkeptFile } from './content-check';
import { expectedSha256 } from './hub/content-keys';

/** The checks of files that are read together and not stored. */
export class ContentChecks {
  readonly #createHash: CreateHash;
  readonly #checks = new Map<string, { readonly name: string; readonly check: ContentCheck }>();
  #wrong: LabError | undefined;
  #isGoingOn = false;

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
    const known = this.#checks.get(key);
    if (known !== undefined) return known.check;
    const check = new ContentCheck({ ...file, sha256 }, this.#createHash, (error) => {
      this.#wrong ??= error;
    });
    this.#checks.set(key, { name: file.name, check });
    return check;
  }

  /**
   * Says that what was read before this visit is used too. Its hash is not kept over visits, so
   * files that are read now count as unproven, unless they prove wrong.
   */
  goOn(): void {
    // A run that goes on within a visit, such as after a lost device, has its checks still.
    if (this.#checks.size === 0) this.#isGoingOn = true;
  }

  /**
   * Ends all checks.
   * @returns names of files that may be wrong for all that is known
   * @throws LabError `hub/wrong-hash`; as the sources
   */
  async finish(signal: AbortSignal | undefined): Promise<readonly string[]> {
    const unproven: string[] = [];
    for (const { name, check } of this.#checks.values()) {
      const isProven = await check.finish(signal);
      if (!isProven || (this.#isGoingOn && check.isUsed)) unproven.push(name);
    }
    return unproven;
  }
}
