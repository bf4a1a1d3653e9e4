import { LabError } from '../core/errors';
import { cachedHubModel, CachedFiles } from '../sources/cached-files';
import { ContentChecks } from '../sources/content-checks';
import { HubClient } from '../sources/hub/hub-client';
import type { HubModel } from '../sources/hub/hub-model';
import { ReadSession } from '../sources/read-session';
import type { ModelRecord } from '../store/schema';
import { identityOf, type OpenedPlace, type PlaceSetting } from './opened-place';
import type { ModelPlace } from './run-types';

type HubPlace = Extract<ModelPlace, { kind: 'hub' }>;

/** Opens models on a hub, through the store where they are to be kept or are there already. */
export class HubPlaces {
  readonly #setting: PlaceSetting;
  readonly #client: HubClient;
  readonly #session: ReadSession;
  readonly #checks: ContentChecks;

  /** @throws LabError `hub/bad-name` for an endpoint that must not get a token */
  constructor(setting: PlaceSetting) {
    this.#setting = setting;
    this.#checks = new ContentChecks(setting.createHash);
    this.#session = new ReadSession(setting.memoryBytes, {
      stores: setting.caching !== 'stream',
      checks: this.#checks,
      readerCount: setting.modelCount,
    });
    const { endpoint, token } = setting.hub;
    this.#client = new HubClient({ endpoint, token: () => token });
  }

  /**
   * Without the network, a model that is stored whole opens as it was.
   * @throws LabError `hub/…`
   */
  async open(place: HubPlace, signal: AbortSignal | undefined): Promise<OpenedPlace> {
    let model: HubModel;
    try {
      model = await this.#client.open(place.repo, place.revision, { signal });
    } catch (error) {
      const stored = isUnreachable(error) ? await this.#stored(place) : undefined;
      if (stored === undefined) throw error;
      return stored;
    }
    const { repo, revision, commit, fileKeys } = model;
    const { store, caching } = this.#setting;
    const files = [...fileKeys].map(([path, key]) => ({
      path,
      key,
      sizeBytes: model.files.get(path)?.sizeBytes ?? 0,
    }));
    const source = { kind: 'hub', repo, revision, commit } as const;
    const options = { modelId: `hub/${repo}@${commit}`, fileKeys, caching, source };
    return {
      ...(await factsOf(place, commit, files)),
      files: new CachedFiles(model, store, options, this.#session),
    };
  }

  /** What models of this computer and of the store share with those of the hub. */
  get session(): ReadSession {
    return this.#session;
  }

  /** What is read from now on is not stored. */
  storeNoMore(): void {
    this.#session.isStoring = false;
  }

  /** Says that bytes were read before this visit; `proof` is what was known of them. */
  async goOn(proof: unknown): Promise<void> {
    await this.#checks.goOn(proof);
  }

  /** What is known by now of files that were read and not stored, for another visit. */
  async proof(): Promise<unknown> {
    return this.#checks.sealed();
  }

  /**
   * Ends the checks of files that were read and not stored.
   * @returns names of files that could not be checked
   * @throws LabError `hub/wrong-hash`; as the source, for some parts are read for the check alone
   */
  async prove(signal: AbortSignal | undefined): Promise<readonly string[]> {
    return this.#checks.finish(signal);
  }

  /**
   * Waits until what was read is stored.
   * @throws LabError `hub/wrong-hash` when some of it was not what its hash says
   */
  async settle(): Promise<void> {
    await this.#session.settle();
  }

  async #stored(place: HubPlace): Promise<OpenedPlace | undefined> {
    const { store } = this.#setting;
    const cached = await cachedHubModel(store, place.repo, place.revision, this.#session);
    if (cached === undefined) return undefined;
    const { files, source, record } = cached;
    return { ...(await factsOf(place, source.commit, record.files)), files };
  }
}

async function factsOf(
  place: HubPlace,
  commit: string,
  files: ModelRecord['files'],
): Promise<Omit<OpenedPlace, 'files'>> {
  const facts = files.map(({ path, sizeBytes, key }) => `${path} ${sizeBytes} ${key}`).sort();
  const [weights, ...more] = files.filter(({ path }) => path.endsWith('.safetensors'));
  const sha256 = /^sha256:(.+)$/.exec(weights?.key ?? '')?.[1];
  return {
    title: place.repo,
    identity: await identityOf(facts),
    contentHash: more.length === 0 ? sha256 : undefined,
    place: { ...place, revision: commit },
    keys: files.map(({ key }) => key),
  };
}

function isUnreachable(error: unknown): boolean {
  if (!(error instanceof LabError)) return false;
  return error.code === 'hub/unavailable' || error.code === 'source/network';
}
