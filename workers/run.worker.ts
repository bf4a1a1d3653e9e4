import { serve } from '../src/rpc/serve';
import { RunService } from '../src/workers/run-service';

serve(new RunService());
