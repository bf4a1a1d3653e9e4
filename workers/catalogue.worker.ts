import { serve } from '../src/rpc/serve';
import { LabStore } from '../src/store/lab-store';
import { ModelCatalogue } from '../src/workers/model-catalogue';
import { RunCatalogue } from '../src/workers/run-catalogue';

const store = new LabStore();
serve(new RunCatalogue(store), new ModelCatalogue(store));
