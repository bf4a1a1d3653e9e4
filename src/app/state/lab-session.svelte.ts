import { invariant } from '../../core/errors';
import { domainIds, type DomainId } from '../../eval/tasks/task';
import type { Recipe } from '../../recipe/recipe';
import type { BackendId, Collection, Lab, PickedFolder, PlacedModel, Recipes } from '../../rpc/lab';
import { isLiveSize } from '../../workers/live-limit';
import { HubAccess } from '../models/hub-access.svelte';
import { linkedModels, type LinkedModels } from '../models/linked-models';
import { RunDesk } from '../runs/run-desk.svelte';
import { RunSettings } from '../runs/run-settings.svelte';
import { Activity } from './activity.svelte';
import { CompareDesk } from './compare-desk.svelte';
import { Comparison } from './comparison';
import { CompletionDesk } from './completion-desk.svelte';
import { exportMerge } from './export-merge';
import { placesOfFolders, placesOfZoo } from './places';
import { bytesText } from './format';
import { History } from './history';
import { longestLinkedPrompt, longestLinkedText, type LinkState } from './link';
import { LinkDesk } from './link-desk';
import { MachineDesk } from './machine-desk.svelte';
import type { LabParts, WholeLab } from './lab-parts';
import { MergeDesk } from './merge-desk.svelte';
import { firstMethodId, knownMethod, usesCoefficients } from './methods';
import { participantsOf, withParticipant } from './participants';
import { PlanDesk } from './plan-desk.svelte';
import { Problems } from './problems.svelte';
import { RecipeDesk } from './recipe-desk';
import { ScoreBoard, type Selection } from './score-board.svelte';
import { startSetup, withCoefficient, type Setup } from './setup';
import { recipeOf } from './setup-recipe';
import { sliderIds } from './slider-ids';

/** Everything the page shows and does, apart from how it looks. One for each open page. */
export class LabSession {
  collection = $state.raw<Collection>();
  /** Where the models of the collection lie, for runs and links. */
  places = $state.raw<readonly PlacedModel[]>([]);
  isConnected = $state(false);
  /** Models that the address names and that are not open; nothing is read of them before asked for. */
  wanted = $state.raw<LinkedModels>();
  setup = $state.raw<Setup>(startSetup(undefined, firstMethodId));
  isOpening = $state(true);
  canUndo = $state(false);
  canRedo = $state(false);
  /** The specialist beside base and merge in the prompt box; empty until a collection is open. */
  specialist = $state('');
  readonly activity = new Activity();
  readonly problems = new Problems();
  readonly board = new ScoreBoard();
  readonly completions: CompletionDesk;
  readonly desk: MergeDesk;
  readonly compare: CompareDesk;
  readonly plan: PlanDesk;
  readonly machine: MachineDesk;
  readonly recipes = new RecipeDesk();
  readonly hub: HubAccess;
  readonly runs: RunDesk;
  readonly runSettings = new RunSettings();
  readonly #connect: () => Promise<Lab>;
  #connected: Lab | undefined;
  readonly #comparison: Comparison;
  readonly #links = new LinkDesk(this.recipes, this.problems);
  readonly #history = new History<Setup>(this.setup);
  #comparedSelection: Selection = 'quick';
  #openings = 0;

  constructor(connect: () => Promise<Lab>) {
    this.#connect = connect;
    const lab = (): Lab => this.#lab;
    this.#comparison = new Comparison(lab, this.board, this.activity, this.problems);
    this.plan = new PlanDesk(lab);
    this.machine = new MachineDesk(lab, this.problems);
    this.hub = new HubAccess(this.lab);
    this.runs = new RunDesk(this.lab, this.activity, this.problems);
    this.compare = new CompareDesk({
      lab,
      board: this.board,
      activity: this.activity,
      problems: this.problems,
      onSettled: () => {
        this.#settled();
      },
    });
    this.completions = new CompletionDesk(lab, this.activity, this.problems);
    this.desk = new MergeDesk({
      lab,
      board: this.board,
      activity: this.activity,
      problems: this.problems,
      currentRecipes: () => this.currentRecipes,
      onSettled: () => {
        this.#settled();
      },
    });
  }

  /** For parts of the page that are loaded when they are asked for. */
  readonly lab = (): WholeLab => this.#lab as WholeLab;

  /** Whether the lab can do this. */
  can(method: keyof LabParts): boolean {
    return this.isConnected && method in this.#lab;
  }

  /** Every control that asks for work is disabled until there is a lab. */
  get #lab(): Lab {
    invariant(this.#connected, 'the page asked for work before it was connected');
    return this.#connected;
  }

  get recipe(): Recipe | undefined {
    const { collection, setup } = this;
    return collection === undefined
      ? undefined
      : (setup.written?.recipe ?? recipeOf(setup, collection));
  }

  /** The recipe in force and the stages in front of it. */
  get currentRecipes(): Recipes | undefined {
    const { recipe } = this;
    return recipe && [...(this.setup.written?.stages ?? []), recipe];
  }

  /** Whether sliders merge by themselves; large models wait for the button. */
  get isLive(): boolean {
    if (this.collection === undefined) return false;
    const { base, specialists } = this.collection;
    return isLiveSize([base, ...specialists]);
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
      this.#makeWay();
      this.compare.stop();
      this.plan.stop();
      this.desk.cancel();
      this.runs.stop();
    };
  }

  async #begin(): Promise<void> {
    try {
      this.#connected = await this.#connect();
    } catch (error) {
      this.isOpening = false;
      this.problems.report(error, 'browser');
      return;
    }
    this.isConnected = true;
    void this.machine.readEnvironment();
    if (this.can('setHub')) await this.hub.start();
    if (this.can('watchRuns')) void this.runs.watch();
    await this.openZoo();
  }

  async openZoo(): Promise<void> {
    await this.#open('Opening the zoo', (task) => this.#lab.openZoo(task), placesOfZoo);
  }

  async openFolders(folders: readonly PickedFolder[], baseName: string): Promise<boolean> {
    return this.#open(
      'Opening the folders',
      (task) => this.#lab.openFolders(folders, baseName, task),
      () => placesOfFolders(folders),
    );
  }

  /** Opens models from wherever they lie, by their headers alone. */
  async openModels(models: readonly PlacedModel[], baseId: string): Promise<boolean> {
    return this.#open(
      'Opening the models',
      (task) => this.lab().openModels(models, baseId, task),
      () => models,
    );
  }

  /** One step of a person; steps of the same key in quick succession undo together. */
  change(wanted: Setup, key = '', nearest?: DomainId): void {
    if (wanted === this.setup) return;
    const setup = this.recipes.followed(this.setup, wanted, this.collection);
    this.#history.record(setup, key);
    this.#show(setup, nearest);
    this.linkChanged();
  }

  setCoefficient(id: string, value: number): void {
    const nearest = domainIds.find((domain) => domain === id);
    const method = knownMethod(this.setup.method);
    const ids = sliderIds(this.collection, this.setup);
    const setup = withCoefficient(this.setup, id, value);
    // Who moves the slider of a specialist that is left out wants it in.
    const isMissing = usesCoefficients(method) && !participantsOf(setup, method, ids).includes(id);
    this.change(
      isMissing ? withParticipant(setup, method, ids, id, true) : setup,
      `coefficient ${id}`,
      nearest,
    );
  }

  undo(): void {
    if (!this.#history.canUndo) return;
    this.#show(this.#history.undo());
    this.linkChanged();
  }

  redo(): void {
    if (!this.#history.canRedo) return;
    this.#show(this.#history.redo());
    this.linkChanged();
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
      return;
    }
    this.#makeWay();
    this.completions.mergeChanged();
    await this.desk.mergeNow(this.isLive);
  }

  async evaluate(selection: Selection): Promise<void> {
    this.#makeWay();
    this.#comparedSelection = selection;
    await this.desk.evaluateNow(selection);
  }

  async generate(): Promise<void> {
    this.#makeWay();
    if (await this.desk.ensureMerged()) {
      const slots = ['merge', this.specialist, 'base'].filter((slot) => slot !== '');
      await this.completions.run(slots);
    }
    if (!this.completions.isRunning) {
      if (this.desk.isInterrupted) await this.desk.resumeScoring();
      else this.#settled();
    }
  }

  /** Merges and scores every method beside each other. */
  compareMethods(selection: Selection): void {
    const { collection } = this;
    if (collection === undefined) return;
    this.compare.pause();
    this.#comparison.pause();
    const waits = this.desk.phase !== 'idle' || this.completions.isRunning;
    this.compare.start(collection, selection, waits);
  }

  /** Writes the merged checkpoint as one zip file. Must be called from a click. */
  async export(): Promise<void> {
    const { currentRecipes: recipes, collection } = this;
    if (recipes === undefined || collection === undefined) return;
    this.compare.pause();
    this.#comparison.pause();
    try {
      const request = { recipes, recipeText: this.setup.written?.text };
      await exportMerge(this.#lab, this.activity, request, collection.base.sizeBytes);
      this.problems.clear('export');
    } catch (error) {
      this.problems.report(error, 'export');
    } finally {
      if (this.desk.phase === 'idle') this.#settled();
    }
  }

  /** Ends everything that runs. What was finished stays. */
  cancel(): void {
    this.compare.stop();
    this.#comparison.pause();
    this.completions.stop();
    this.desk.cancel();
    this.activity.cancelAll();
    this.activity.say('Stopped.');
  }

  async chooseBackend(id: BackendId | undefined): Promise<void> {
    this.#makeWay();
    await this.machine.chooseBackend(id, () => {
      // The same recipe on another back end: made again, so that cost and scores are its own.
      this.desk.moved(this.isLive);
    });
  }

  async clearStorage(): Promise<void> {
    this.#comparison.pause();
    if (await this.machine.clearStorage()) {
      this.activity.say('Everything this page kept was deleted.');
    }
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

  async #open(
    label: string,
    work: (task: Parameters<Lab['openZoo']>[0]) => Promise<Collection>,
    placesIn: (collection: Collection) => readonly PlacedModel[],
  ): Promise<boolean> {
    const opening = ++this.#openings;
    this.#makeWay();
    this.desk.cancel();
    this.isOpening = true;
    try {
      const collection = await this.activity.run(label, work);
      if (opening !== this.#openings) return false;
      const isFirst = this.collection === undefined;
      this.collection = collection;
      this.places = placesIn(collection);
      this.specialist = collection.specialists[0]?.id ?? '';
      this.board.clear();
      this.compare.clear();
      this.completions.clear();
      this.#comparedSelection = 'quick';
      const setup = startSetup(collection, this.setup.method);
      this.#history.restart(setup);
      this.setup = setup;
      if (isFirst || this.#links.isWaiting) await this.#readAddress(isFirst);
      else {
        this.#show(setup);
        this.linkChanged();
      }
      this.problems.clear('models');
      const { base, specialists } = collection;
      const sizeBytes = [base, ...specialists].reduce((sum, model) => sum + model.sizeBytes, 0);
      this.activity.say(
        `Opened ${base.title} and ${specialists.length} specialists, ${bytesText(sizeBytes)}.`,
      );
      return true;
    } catch (error) {
      if (opening === this.#openings) this.problems.report(error, 'models');
      return false;
    } finally {
      if (opening === this.#openings) this.isOpening = false;
    }
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
    if (isFirst) this.#history.restart(setup);
    else this.#history.record(setup);
    this.#show(setup);
    if (isWhole) this.linkChanged();
  }

  #show(setup: Setup, nearest?: DomainId): void {
    this.setup = setup;
    this.canUndo = this.#history.canUndo;
    this.canRedo = this.#history.canRedo;
    this.#makeWay();
    this.completions.mergeChanged();
    this.desk.moved(this.isLive, nearest);
    this.plan.schedule(this.currentRecipes);
  }

  /** Ends background work and replies, which would stand in the way of what the person wants now. */
  #makeWay(): void {
    this.compare.pause();
    this.#comparison.pause();
    this.completions.stop();
  }

  #settled(): void {
    const { collection } = this;
    if (collection === undefined || this.compare.resume()) return;
    if (this.isLive || this.#comparedSelection === 'full') {
      this.#comparison.schedule(collection, this.#comparedSelection);
    }
  }

  #linkState(): LinkState | undefined {
    const { collection, recipe } = this;
    if (collection === undefined || recipe === undefined) return undefined;
    const { prompt } = this.completions;
    const hub = linkedModels(this.places, collection.base.id);
    const { text, stages = [] } = this.setup.written ?? {};
    // Without its text a recipe would lose its stages, but only its comments otherwise.
    const isLong = text !== undefined && text.length > longestLinkedText;
    return {
      recipe,
      ...(text === undefined || (isLong && stages.length === 0) ? {} : { text }),
      collection: collection.kind,
      ...(hub === undefined ? {} : { hub }),
      ...(prompt === '' || prompt.length > longestLinkedPrompt ? {} : { prompt }),
      ...(this.specialist === '' ? {} : { specialist: this.specialist }),
    };
  }
}
