import { serve } from '../src/rpc/serve';
import { RunCatalogue } from '../src/workers/run-catalogue';

serve(new RunCatalogue());
