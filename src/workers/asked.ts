/** Why a run is stopped: the reason of its signal. */
export class Asked extends DOMException {
  readonly ask: 'pause' | 'cancel';

  constructor(ask: 'pause' | 'cancel') {
    super(`The person asked to ${ask} the run.`, 'AbortError');
    this.ask = ask;
  }
}
