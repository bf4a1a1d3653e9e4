/**
 * What was made from some objects, found again by their identity: comparing expressions node by node
 * for every tensor of a model would cost more than it saves. Forgets everything when it is full.
 */
export class IdentityCache<V> {
  readonly #capacity: number;
  readonly #identities = new WeakMap<object, number>();
  readonly #entries = new Map<string, V>();
  #count = 0;

  constructor(capacity = 512) {
    this.#capacity = capacity;
  }

  /** @param rest tells apart what is made from the same objects */
  remember(objects: readonly object[], rest: string, make: () => V): V {
    const key = `${objects.map((object) => this.#identityOf(object)).join()} ${rest}`;
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#capacity) this.#entries.clear();
    const made = make();
    this.#entries.set(key, made);
    return made;
  }

  #identityOf(object: object): number {
    let identity = this.#identities.get(object);
    if (identity === undefined) {
      identity = this.#count++;
      this.#identities.set(object, identity);
    }
    return identity;
  }
}
