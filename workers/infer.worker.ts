import { serve } from '../src/rpc/serve';
import { InferService } from '../src/workers/infer-service';

serve(new InferService());
