import { invariant } from '../../core/errors';
import { domainIds, type DomainId } from '../../eval/tasks/task';
import type { Recipe } from '../../recipe/recipe';
import type { Collection, Lab, PlacedModel, Recipes } from '../../rpc/lab';
import { HubAccess } from '../models/hub-access.svelte';
import type { LinkedModels } from '../models/linked-models';
import type { PickerAsk } from '../models/picker-ask';
import { RunDesk } from '../runs/run-desk.svelte';
import { RunSettings } from '../runs/run-settings.svelte';
import { Activity } from './activity.svelte';
import type { LabParts, WholeLab } from './lab-parts';
import type { LinkState } from './link';
import { LinkDesk } from './link-desk';
import { linkStateOf } from './link-state';
import { firstMethodId } from './methods';
import { OpenDesk, type Opening } from './open-desk.svelte';
import { placesOfZoo } from './places';
import { Problems } from './problems.svelte';
import { startSetup, type Setup } from './setup';
import { SetupDesk } from './setup-desk.svelte';
import { WorkDesk } from './work-desk';

/** Everything the page shows and does, apart from how it looks. One for each open page. */
export class LabSession {
  isConnected = $state(false);
  /** Models that the address names and that are not open; nothing is read of them before asked for. */
  wanted = $state.raw<LinkedModels>();
  /** Why the picker of models opens; it is loaded with the first ask. */
  ask = $state.raw<PickerAsk>();
  /** The specialist beside base and merge in the prompt box; empty until a collection is open. */
  specialist = $state('');
  readonly activity = new Activity();
  readonly problems = new Problems();
  readonly hub: HubAccess;
  readonly runs: RunDesk;
  readonly runSettings = new RunSettings();
  readonly #connect: () => Promise<Lab>;
  #connected: Lab | undefined;
  readonly #open = new OpenDesk(this.activity, this.problems);
  readonly #settings = new SetupDesk(() => this.collection);
  readonly work: WorkDesk;
  readonly board: WorkDesk['board'];
  readonly completions: WorkDesk['completions'];
  readonly desk: WorkDesk['merges'];
  readonly compare: WorkDesk['compare'];
  readonly plan: WorkDesk['plan'];
  readonly machine: WorkDesk['machine'];
  readonly #links = new LinkDesk(this.#settings.recipes, this.problems);

  constructor(connect: () => Promise<Lab>) {
    this.#connect = connect;
    this.work = new WorkDesk({
      lab: this.lab,
      activity: this.activity,
      problems: this.problems,
      collection: () => this.collection,
      currentRecipes: () => this.currentRecipes,
      isLive: () => this.isLive,
    });
    this.board = this.work.board;
    this.completions = this.work.completions;
    this.desk = this.work.merges;
    this.compare = this.work.compare;
    this.plan = this.work.plan;
    this.machine = this.work.machine;
    this.hub = new HubAccess(this.lab);
    this.runs = new RunDesk(this.lab, this.activity, this.problems);
  }

  /** Every control that asks for work is disabled until there is a lab. */
  readonly lab = (): WholeLab => {
    invariant(this.#connected, 'the page asked for work before it was connected');
    return this.#connected as WholeLab;
  };

  /** Whether the lab can do this. */
  can(method: keyof LabParts): boolean {
    return this.isConnected && method in this.lab();
  }

  get collection(): Collection | undefined {
    return this.#open.collection;
  }

  /** Where the models of the collection lie, for runs and links. */
  get places(): readonly PlacedModel[] {
    return this.#open.places;
  }

  get isOpening(): boolean {
    return this.#open.isOpening;
  }

  /** Whether sliders merge by themselves; large models wait for the button. */
  get isLive(): boolean {
    return this.#open.isLive;
  }

  get setup(): Setup {
    return this.#settings.setup;
  }

  get canUndo(): boolean {
    return this.#settings.canUndo;
  }

  get canRedo(): boolean {
    return this.#settings.canRedo;
  }

  get recipes(): SetupDesk['recipes'] {
    return this.#settings.recipes;
  }

  get recipe(): Recipe | undefined {
    return this.#settings.recipe;
  }

  /** The recipe in force and the stages in front of it. */
  get currentRecipes(): Recipes | undefined {
    return this.#settings.currentRecipes;
  }

  /** Scores on screen do not belong to the sliders yet, and work on them is under way. */
  get isScoring(): boolean {
    const { phase, isInterrupted } = this.desk;
    return this.isOpening || this.machine.isChangingBackend || phase !== 'idle' || isInterrupted;
  }

  /** Opens the zoo and whatever the address says. Returns how to end the session. */
  start(): () => void {
    void this.#begin();
    const stopListening = this.#links.listen(() => {
      void this.#readAddress();
    });
    return () => {
      stopListening();
      this.work.stop();
      this.plan.stop();
      this.runs.stop();
    };
  }

  async #begin(): Promise<void> {
    try {
      this.#connected = await this.#connect();
    } catch (error) {
      this.#open.isOpening = false;
      this.problems.report(error, 'browser');
      return;
    }
    this.isConnected = true;
    // First: back ends are made with it.
    void this.machine.boundMemory(this.runSettings.budgetBytes);
    void this.machine.readEnvironment();
    if (this.can('setHub')) await this.#startHub();
    if (this.can('watchRuns')) void this.runs.watch();
    await this.openZoo();
  }

  /** A sign-in that failed stands in nobody's way. */
  async #startHub(): Promise<void> {
    try {
      await this.hub.start();
    } catch (error) {
      this.problems.report(error, 'browser');
    }
  }

  async openZoo(): Promise<void> {
    await this.#openBy({
      label: 'Opening the zoo',
      work: async (task) => this.lab().openZoo(task),
      placesIn: placesOfZoo,
    });
  }

  /** Opens models from wherever they lie, by their headers alone. */
  async openModels(models: readonly PlacedModel[], baseId: string): Promise<boolean> {
    return this.#openBy({
      label: 'Opening the models',
      work: async (task) => this.lab().openModels(models, baseId, task),
      placesIn: () => models,
    });
  }

  /** One step of a person; steps of the same key in quick succession undo together. */
  change(wanted: Setup, key = '', nearest?: DomainId): void {
    if (wanted === this.setup) return;
    this.#settings.change(wanted, key);
    this.#setupChanged(nearest);
  }

  setCoefficient(id: string, value: number): void {
    const nearest = domainIds.find((domain) => domain === id);
    this.change(this.#settings.withCoefficient(id, value), `coefficient ${id}`, nearest);
  }

  undo(): void {
    if (this.#settings.undo()) this.#setupChanged();
  }

  redo(): void {
    if (this.#settings.redo()) this.#setupChanged();
  }

  reset(): void {
    this.change(startSetup(this.collection, firstMethodId));
    this.activity.say('All settings are back at their start; undo brings yours back.');
  }

  /** Whether a merge of the open models is a job of its own instead of part of the page. */
  get runsAsJob(): boolean {
    return this.collection !== undefined && !this.isLive && this.can('startRun');
  }

  async merge(): Promise<void> {
    if (this.runsAsJob) {
      const { startRun } = await import('../runs/start-run');
      await startRun(this);
    } else await this.work.merge();
  }

  async generate(): Promise<void> {
    await this.work.generate(this.specialist);
  }

  /** Writes the merged checkpoint as one zip file. Must be called from a click. */
  async export(): Promise<void> {
    await this.work.export(this.setup.written?.text);
  }

  /** The link to this set-up, also put on the clipboard when the browser allows. */
  async copyLink(): Promise<void> {
    const state = this.#linkState();
    if (state === undefined) return;
    this.activity.say(
      (await this.#links.copy(state))
        ? 'The link is on the clipboard.'
        : 'The browser did not allow copying; the link is in the address bar.',
    );
  }

  /** A recipe to be in force as soon as the models that it names are open. */
  applyLater(recipeText: string): void {
    this.#links.applyLater({ recipe: {}, text: recipeText });
  }

  /** Goes on with the open models instead of those that the address names. */
  forgetWanted(): void {
    this.wanted = undefined;
    this.#links.forget();
    this.linkChanged();
  }

  /** What is not a setting but travels in the link changed. */
  linkChanged(): void {
    const state = this.#linkState();
    if (state !== undefined) this.#links.write(state);
  }

  async #openBy(opening: Opening): Promise<boolean> {
    this.work.beforeOpening();
    return this.#open.open(opening, async (collection, isFirst) => {
      this.specialist = collection.specialists[0]?.id ?? '';
      this.work.clear();
      this.#settings.restart(startSetup(collection, this.setup.method));
      if (isFirst || this.#links.isWaiting) await this.#readAddress(isFirst);
      else this.#setupChanged();
    });
  }

  /** Applies the address to the open collection; without one in the address, the setup stays. */
  async #readAddress(isFirst = false): Promise<void> {
    const { collection } = this;
    if (collection === undefined) return;
    const link = await this.#links.read(collection, this.places, this.setup);
    const { setup, prompt, specialist, isWhole } = link;
    this.wanted = this.can('openModels') ? link.wanted : undefined;
    if (prompt !== undefined) this.completions.prompt = prompt;
    if (specialist !== undefined) this.specialist = specialist;
    if (isFirst) this.#settings.restart(setup);
    else this.#settings.put(setup);
    this.work.setupChanged();
    if (isWhole) this.linkChanged();
  }

  #setupChanged(nearest?: DomainId): void {
    this.work.setupChanged(nearest);
    this.linkChanged();
  }

  #linkState(): LinkState | undefined {
    const { collection, recipe, places, setup, specialist } = this;
    if (collection === undefined || recipe === undefined) return undefined;
    const { prompt } = this.completions;
    return linkStateOf({ collection, places, setup, recipe, prompt, specialist });
  }
}
