import { LatestOnly } from '../../core/abort';
import { LabError, isAbort, sentenceOf } from '../../core/errors';
import type { WholeLab } from '../state/lab-parts';
import type { HubListing, HubSearchResult } from '../../sources/hub/listing';
import type { HubName } from '../../sources/hub/addresses';
import { readHubAddress } from './hub-address';

/** How long typing rests before the hub is asked. */
const restMs = 350;
const fewestLetters = 2;

/** What a person looks for on the hub: by words, or one model by its address. */
export class HubSearch {
  text = $state('');
  results = $state.raw<readonly HubSearchResult[]>([]);
  /** The model looked at: its files, size, licence and gate. */
  listing = $state.raw<HubListing>();
  /** Whose listing is shown or on its way. */
  looked = $state.raw<HubName>();
  isAsking = $state(false);
  /** True once the hub answered these words. */
  isAnswered = $state(false);
  problem = $state.raw<{ readonly code: string; readonly sentence: string }>();
  readonly #lab: () => WholeLab;
  readonly #latest = new LatestOnly();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(lab: () => WholeLab) {
    this.#lab = lab;
  }

  /** The words changed; an address is looked up, words are searched for, after a pause. */
  type(text: string): void {
    this.text = text;
    clearTimeout(this.#timer);
    this.#latest.cancel();
    this.isAsking = false;
    this.isAnswered = false;
    this.problem = undefined;
    const address = readHubAddress(text);
    if (address === undefined && text.trim().length < fewestLetters) {
      this.results = [];
      return;
    }
    this.isAsking = true;
    this.#timer = setTimeout(() => {
      void (address === undefined ? this.#search(text.trim()) : this.look(address));
    }, restMs);
  }

  /** Reads what a model consists of. */
  async look(address: HubName): Promise<void> {
    clearTimeout(this.#timer);
    this.looked = address;
    this.listing = undefined;
    await this.#ask(async (signal) => {
      const listing = await this.#lab().describeHub(address.repo, address.revision, signal);
      if (!signal.aborted) this.listing = listing;
    });
  }

  /** Back to the results. */
  close(): void {
    this.#latest.cancel();
    this.isAsking = false;
    this.looked = undefined;
    this.listing = undefined;
    this.problem = undefined;
  }

  /** Asks once more: another token or another hub may answer otherwise. */
  again(): void {
    if (this.looked !== undefined) void this.look(this.looked);
    else if (this.text !== '') this.type(this.text);
  }

  async #search(words: string): Promise<void> {
    this.looked = undefined;
    this.listing = undefined;
    await this.#ask(async (signal) => {
      const results = await this.#lab().searchHub(words, signal);
      if (signal.aborted) return;
      this.results = results;
      this.isAnswered = true;
    });
  }

  async #ask(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const signal = this.#latest.begin();
    this.isAsking = true;
    this.problem = undefined;
    try {
      await work(signal);
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      const code = error instanceof LabError ? error.code : 'page/unexpected';
      this.problem = { code, sentence: sentenceOf(error) };
    } finally {
      if (!signal.aborted) this.isAsking = false;
    }
  }
}
