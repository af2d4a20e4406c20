import type { OperatorLinks } from '../../contracts/http/link-bodies.ts';
import { usePolled } from '../components/use-polled.ts';

/** Where traces, logs and dashboards are; undefined until it is known. It depends on settings only, so it is asked once. */
export const useLinks = (): OperatorLinks | undefined => usePolled<OperatorLinks>('admin/links', undefined).data;
