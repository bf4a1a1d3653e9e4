import type { ModelCatalogue } from '../workers/model-catalogue';
import type { HubAccess } from '../workers/opened-place';
import type { RunCatalogue } from '../workers/run-catalogue';
import { connect, type Connection, type Service } from './connect';

type Catalogue = RunCatalogue & ModelCatalogue;

/** The worker that lists runs and models, started when it is first needed. */
export class CatalogueConnection {
  #connection: Connection<Catalogue> | undefined;
  #hub: HubAccess = {};

  get hub(): HubAccess {
    return this.#hub;
  }

  /** @throws LabError `hub/bad-name` for an endpoint that must not get a token */
  async setHub(hub: HubAccess): Promise<void> {
    await this.service().setHub(hub);
    this.#hub = hub;
  }

  service(): Service<Catalogue> {
    if (this.#connection !== undefined) return this.#connection.service;
    const worker = new Worker(new URL('../../workers/catalogue.worker.ts', import.meta.url), {
      type: 'module',
      name: 'catalogue',
    });
    const connection = connect<Catalogue>(worker, 'catalogue', () => {
      this.#connection = undefined;
    });
    this.#connection = connection;
    const { service } = connection;
    // A worker that was started anew is told again; it takes calls in order.
    if (Object.keys(this.#hub).length > 0) void service.setHub(this.#hub).catch(() => undefined);
    return service;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}
