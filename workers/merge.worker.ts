import { serve } from '../src/rpc/serve';
import { MergeService } from '../src/workers/merge-service';

serve(new MergeService());
